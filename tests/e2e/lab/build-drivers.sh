#!/bin/bash
# Builds what the hosts with today's drivers boot from: Linux 6.12 with and without boost, initramfs, tables, the kernel's own modules.
# build-drivers.sh : prints the finished folder as its only line on stdout. Built once per kernel and per version of these scripts,
# in the same cache as build.sh.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
cache=${POWERMON_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/powermon-e2e}
mkdir -p "$cache"

kernel=$("$lab/fetch-kernel.sh" "$cache" linux-image-6.12-amd64)
out=$kernel/lab-$(cat "$lab"/*.sh "$lab"/vm-* | sha256sum | cut -c1-12)
if [ ! -d "$out" ]; then
  tmp=$(mktemp -d "$kernel/building.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  "$lab/extract-vmlinux.sh" "$kernel"/boot/vmlinuz-* "$tmp/vmlinux"
  "$lab/boost-vmlinux.sh" "$tmp/vmlinux" "$tmp/vmlinux-boost"
  "$lab/make-initramfs.sh" "$kernel" "$tmp/host.cpio" "virtio_pci 9pnet_virtio 9p overlay virtio_console virtio_net cpufreq_conservative cpufreq_ondemand cpufreq_powersave cpufreq_userspace msr"
  "$lab/take-module.sh" "$kernel" acpi-cpufreq "$tmp/acpi-cpufreq.ko"
  "$lab/gen-ssdt.sh" 2 "$tmp/cpufreq.aml"
  "$lab/gen-cppc-ssdt.sh" 2 "$tmp/cppc.aml"
  mv -T "$tmp" "$out" 2>/dev/null || [ -d "$out" ] # another run may have finished first
fi
echo "$out"
