#!/bin/bash
# Takes the uncompressed kernel out of a bzImage; without it every boot spends five seconds unpacking under emulation.
# extract-vmlinux.sh VMLINUZ OUT. Header fields: Documentation/x86/boot.rst (setup_sects, payload_offset, payload_length).
set -euo pipefail
in=$1 out=$2
field() { od -An -v -t "u$2" -j "$1" -N "$2" "$in" | tr -d ' '; }
setup_sects=$(field $((0x1f1)) 1)
offset=$(field $((0x248)) 4)
length=$(field $((0x24c)) 4)
dd if="$in" of="$out.payload" iflag=skip_bytes,count_bytes skip=$(((setup_sects + 1) * 512 + offset)) count="$length" bs=1M status=none
# the payload ends in the unpacked size, 4 bytes that are not xz: --single-stream leaves them alone
xz -dc --single-stream < "$out.payload" > "$out" || { echo "extract-vmlinux: $in is not packed by xz" >&2; exit 1; }
rm "$out.payload"
