#!/bin/bash
# Makes an initramfs that needs no other root: bash, one of our programs, our init; without it a VM could neither sleep nor move.
# make-standalone.sh KERNEL_DIR OUT PROGRAM "MODULE MODULE ..." [MODULE.ko] : PROGRAM is powermon or vmpower-guest of POWERMON_E2E_DIST
# (default dist/), MODULE.ko one more module, loaded first.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
kernel=$1 out=$2 program=$3 modules=$4 first=${5:-}
dist=${POWERMON_E2E_DIST:-$lab/../../../dist}
root=$(mktemp -d "$out.files.XXXXXX")
trap 'rm -rf "$root" "$out.base"' EXIT
"$lab/make-initramfs.sh" "$kernel" "$out.base" "$modules" >&2
install -D -m 755 "$dist/$program" "$root/bin/$program"
install -m 755 "$(command -v bash)" "$root/bin/bash"
for library in $(ldd "$root/bin/$program" "$root/bin/bash" | grep -o '/[^ )]*\.so[^ )]*' | sort -u); do
  install -D -m 755 "$library" "$root$library"
done
install -m 755 "$lab/vm-standalone-init" "$root/init"
[ -z "$first" ] || cp "$first" "$root/first.ko"
# archives may follow one another: the later /init wins
(cat "$out.base"; cd "$root" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$out"
