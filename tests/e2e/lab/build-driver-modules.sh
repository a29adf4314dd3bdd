#!/bin/bash
# Builds the kernel's own intel_pstate.c (on intel-model.c) and cppc_cpufreq.c as modules for a cached kernel 6.12.
# build-driver-modules.sh KERNEL_DIR : prints the folder with intel-model.ko and cppc_cpufreq.ko. Downloads Debian's package of the
# kernel's source (153 MB) the first time, of which three files are kept, and the kernel's headers.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
kernel=$1
fail() { echo "build-driver-modules: $*" >&2; exit 1; }
out=$kernel/drivers-$(cat "$lab/intel-model.c" "$lab/build-driver-modules.sh" | sha256sum | cut -c1-12)
if [ ! -d "$out" ]; then
  tmp=$(mktemp -d "$kernel/drivers.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  if [ ! -d "$kernel/source" ]; then
    package=linux-source-$(basename "$kernel" | sed 's/^linux-image-\([0-9]*\.[0-9]*\).*/\1/')
    (cd "$tmp" && apt-get download -q "$package" >&2) || fail "cannot download $package; run apt-get update"
    mkdir "$tmp/source"
    dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb | tar -xO --wildcards "*/$package.tar.xz" |
      tar -xJ -C "$tmp/source" --strip-components=1 --wildcards "$package/drivers/cpufreq/intel_pstate.c" \
        "$package/drivers/cpufreq/cppc_cpufreq.c" "$package/drivers/thermal/intel/thermal_interrupt.h" || fail "$package lacks a file"
    mkdir "$tmp/source/include" # intel_pstate.c names a header by a path from here
    mv -T "$tmp/source" "$kernel/source" 2>/dev/null || [ -d "$kernel/source" ]
  fi
  headers=$("$lab/fetch-headers.sh" "$kernel" "$tmp/headers")
  mkdir "$tmp/module"
  cp "$lab/intel-model.c" "$kernel/source/drivers/cpufreq/cppc_cpufreq.c" "$tmp/module/"
  printf '%s\n' 'obj-m := intel-model.o cppc_cpufreq.o' \
    "ccflags-y := -I$kernel/source -I$kernel/source/include -Wno-unused-function -Wno-unused-variable -Wno-unused-value" > "$tmp/module/Makefile"
  "$lab/make-module.sh" "$headers" "$tmp/module"
  mkdir "$tmp/out"
  mv "$tmp"/module/*.ko "$tmp/out/"
  mv -T "$tmp/out" "$out" 2>/dev/null || [ -d "$out" ] # another run may have finished first
fi
echo "$out"
