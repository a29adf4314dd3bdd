#!/bin/bash
# Starts, in the foreground, a guest VM that can be migrated; without it a VM that moves away would be only a VM that ends.
# boot-migrant.sh BUILD_DIR DIR NAME PORTS : as boot-guest.sh, LAB_INCOMING included, but without 9p: QEMU migrates no VM that has one.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
build=$1 dir=$2 name=$3
"$lab/make-standalone.sh" "$(dirname "$build")" "$dir/$name.cpio" vmpower-guest "virtio_pci virtio_console"
LAB_INITRD=$dir/$name.cpio exec "$lab/boot-guest.sh" "$@"
