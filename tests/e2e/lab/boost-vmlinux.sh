#!/bin/bash
# Makes a kernel that takes every CPU for one with Core Performance Boost, which QEMU's CPUs can't say they have.
# boost-vmlinux.sh VMLINUX OUT. The kernel's table of scattered feature bits (arch/x86/kernel/cpu/scattered.c, struct cpuid_bit: u16 feature,
# u8 register, u8 bit, u32 leaf, u32 subleaf) has X86_FEATURE_CPB (7*32+2) as bit 9 of EDX in leaf 0x80000007; here it is leaf 1, where that bit is the APIC.
set -euo pipefail
row='\xe2\x00\x03\x09\x07\x00\x00\x80\x00\x00\x00\x00'
at=$(LC_ALL=C grep -obUaP "$row" "$1" | cut -d: -f1)
case $at in
  '' | *[!0-9]*) echo "boost-vmlinux: the row of X86_FEATURE_CPB is not in $1 once" >&2; exit 1 ;;
esac
cp "$1" "$2"
printf '\x01\x00\x00\x00' | dd of="$2" bs=1 seek=$((at + 4)) conv=notrunc status=none
