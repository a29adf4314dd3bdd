#!/bin/bash
# Takes the uncompressed kernel out of a bzImage; without it every boot spends five seconds unpacking under emulation.
# extract-vmlinux.sh VMLINUZ OUT. Header fields: Documentation/x86/boot.rst (setup_sects, payload_offset, payload_length).
set -euo pipefail
in=$1 out=$2
field() { od -An -v -t "u$2" -j "$1" -N "$2" "$in" | tr -d ' '; }
setup_sects=$(field $((0x1f1)) 1)
offset=$(field $((0x248)) 4)
length=$(field $((0x24c)) 4)
# the payload ends in the unpacked size, 4 bytes that are not packed
dd if="$in" of="$out.payload" iflag=skip_bytes,count_bytes skip=$(((setup_sects + 1) * 512 + offset)) count=$((length - 4)) bs=1M status=none
case $(od -An -v -t x1 -N 4 "$out.payload") in
  " fd 37 7a 58") xz -dc < "$out.payload" > "$out" ;;
  " 28 b5 2f fd") zstd -dcq < "$out.payload" > "$out" ;;
  *) echo "extract-vmlinux: $in is packed neither by xz nor by zstd" >&2; exit 1 ;;
esac
rm "$out.payload"
