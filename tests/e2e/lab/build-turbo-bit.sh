#!/bin/bash
# Builds turbo-bit.ko for a cached kernel; without it boost could not be tested on a real kernel.
# build-turbo-bit.sh KERNEL_DIR : prints the module's path. Downloads the kernel's headers (14 MB) the first time.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
kernel=$1
out=$kernel/turbo-bit-$(sha256sum "$lab/turbo-bit.c" | cut -c1-12).ko
if [ ! -f "$out" ]; then
  tmp=$(mktemp -d "$kernel/headers.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  headers=$("$lab/fetch-headers.sh" "$kernel" "$tmp/headers")
  mkdir "$tmp/module"
  cp "$lab/turbo-bit.c" "$tmp/module/"
  echo 'obj-m := turbo-bit.o' > "$tmp/module/Makefile"
  "$lab/make-module.sh" "$headers" "$tmp/module"
  mv "$tmp/module/turbo-bit.ko" "$out"
fi
echo "$out"
