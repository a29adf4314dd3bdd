#!/bin/bash
# Copies one of a kernel's own modules, unpacked. Status 1 if the kernel has no such module.
# take-module.sh KERNEL_DIR NAME OUT.ko
set -euo pipefail
name=${2//-/_}
file=$(find "$1/lib/modules/" \( -name "$name.ko*" -o -name "${name//_/-}.ko*" \) -print -quit)
[ -n "$file" ] || exit 1
case $file in
  *.xz) xz -dc "$file" > "$3" ;;
  *) cp "$file" "$3" ;;
esac
