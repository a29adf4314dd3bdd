#!/bin/bash
# Builds turbo-bit.ko for a cached kernel; without it boost could not be tested on a real kernel.
# build-turbo-bit.sh KERNEL_DIR : prints the module's path. Downloads the kernel's headers (14 MB) into KERNEL_DIR the first time.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
kernel=$1
fail() { echo "build-turbo-bit: $*" >&2; exit 1; }
release=$(basename "$(echo "$kernel"/lib/modules/*)")
out=$kernel/turbo-bit-$(sha256sum "$lab/turbo-bit.c" | cut -c1-12).ko
if [ ! -f "$out" ]; then
  tmp=$(mktemp -d "$kernel/headers.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  headers=linux-headers-$release
  common=linux-headers-${release%-*}-common
  kbuild=linux-kbuild-$(echo "$release" | cut -d. -f1,2)
  # Each one's newest: the archive can have different versions of one source's packages for days.
  (cd "$tmp" && apt-get download -q "$headers" "$common" "$kbuild" >&2) || fail "cannot download $headers and what it builds with; run apt-get update"
  for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$tmp/root"; done
  # Debian's Makefile names its other half by the place where it would be installed
  sed -i "s#/usr/src/#$tmp/root/usr/src/#" "$tmp/root/usr/src/$headers/Makefile"
  mkdir "$tmp/module"
  cp "$lab/turbo-bit.c" "$tmp/module/"
  echo 'obj-m := turbo-bit.o' > "$tmp/module/Makefile"
  make -C "$tmp/root/usr/src/$headers" M="$tmp/module" modules > "$tmp/make.log" 2>&1 || { tail -20 "$tmp/make.log" >&2; fail "cannot build turbo-bit.ko"; }
  mv "$tmp/module/turbo-bit.ko" "$out"
fi
echo "$out"
