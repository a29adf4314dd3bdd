#!/bin/bash
# Makes the small first root of a VM: busybox, the named kernel modules and our init; without it the kernel finds no root.
# make-initramfs.sh KERNEL_DIR OUT "MODULE MODULE ..." : modules go in with their dependencies, in load order in /modules.list.
# LAB_BUSYBOX : the busybox that goes in (default this machine's).
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
kernel=$1 out=$2 wanted=$3
root=$(mktemp -d "$out.root.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,proc,sys,mod}
busybox=${LAB_BUSYBOX:-$(command -v busybox)}
if ldd "$busybox" >/dev/null 2>&1; then echo "make-initramfs: $busybox is not static; install busybox-static" >&2; exit 1; fi
cp "$busybox" "$root/bin/busybox"
install -m 755 "$lab/vm-init" "$root/init"
install -m 755 "$lab/vm-exec-loop" "$root/exec-loop"

declare -A seen
add_module() {
  local name=${1//-/_} file dep
  [ -z "${seen[$name]:-}" ] || return 0
  seen[$name]=1
  file=$root/mod/$name.ko
  "$lab/take-module.sh" "$kernel" "$name" "$file" || { echo "make-initramfs: no module $name, taken as built in" >&2; return 0; }
  for dep in $(tr '\0' '\n' < "$file" | sed -n 's/^depends=//p' | tr , ' '); do add_module "$dep"; done
  echo "$name" >> "$root/modules.list"
}
for module in $wanted; do add_module "$module"; done
(cd "$root" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$out"
