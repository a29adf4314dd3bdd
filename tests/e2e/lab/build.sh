#!/bin/bash
# Builds what the VMs boot from (kernel, two initramfs, SSDT); without it every scenario would need an image of its own.
# build.sh : prints the finished folder as its only line on stdout. Built once per kernel and per version of these scripts.
# POWERMON_E2E_CACHE : where it is kept (default ${XDG_CACHE_HOME:-~/.cache}/powermon-e2e).
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
cache=${POWERMON_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/powermon-e2e}
mkdir -p "$cache"

kernel=$("$lab/fetch-kernel.sh" "$cache")
out=$kernel/lab-$(cat "$lab"/*.sh "$lab"/vm-* | sha256sum | cut -c1-12)
if [ ! -d "$out" ]; then
  tmp=$(mktemp -d "$kernel/building.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  root="virtio_pci 9pnet_virtio 9p overlay virtio_console"
  "$lab/extract-vmlinux.sh" "$kernel"/boot/vmlinuz-* "$tmp/vmlinux"
  "$lab/make-initramfs.sh" "$kernel" "$tmp/guest.cpio" "$root"
  "$lab/make-initramfs.sh" "$kernel" "$tmp/host.cpio" "$root virtio_net veth acpi-cpufreq cpufreq_userspace"
  "$lab/gen-ssdt.sh" 4 "$tmp/cpufreq.aml"
  mv -T "$tmp" "$out" 2>/dev/null || [ -d "$out" ] # another run may have finished first
fi
echo "$out"
