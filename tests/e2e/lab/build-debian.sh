#!/bin/bash
# Builds a Debian machine whose process 1 is systemd: its disk and its first root; without it units were judged and never run.
# build-debian.sh : prints the finished folder (vmlinuz, cpufreq.aml, debian.cpio, debian.ext4) as its only line on stdout. As root.
# The release is this machine's own, whose kernel is taken too; 110 MB to download, built once per kernel and version of these scripts.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
cache=${POWERMON_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/powermon-e2e}
fail() { echo "build-debian: $*" >&2; exit 1; }
mkdir -p "$cache"
# shellcheck source=/dev/null
. /etc/os-release
release=${VERSION_CODENAME:-}

kernel=$("$lab/fetch-kernel.sh" "$cache")
out=$kernel/debian-$(cat "$lab"/*.sh "$lab"/vm-* <(echo "$release") | sha256sum | cut -c1-12)
if [ ! -d "$out" ]; then
  tmp=$(mktemp -d "$kernel/building.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  "$lab/make-initramfs.sh" "$kernel" "$tmp/first.cpio" \
    "virtio_pci virtio_blk crc32c_generic ext4 virtio_console acpi-cpufreq cpufreq_userspace" >&2
  mkdir "$tmp/files"
  install -m 755 "$lab/vm-debian-init" "$tmp/files/init"
  # archives may follow one another: the later /init wins
  (cat "$tmp/first.cpio"; cd "$tmp/files" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$tmp/debian.cpio"

  root=$tmp/root
  mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,udev,kmod,socat "$release" "$root" >&2 ||
    fail "mmdebstrap made no Debian $release"
  install -m 755 "$lab/vm-exec-loop" "$root/usr/local/bin/lab-exec"
  install -m 644 "$lab/lab-exec.service" "$root/etc/systemd/system/lab-exec.service"
  echo lab > "$root/etc/hostname"
  # an empty one would make every boot a first one
  echo 6c61626c61626c61626c61626c61626c > "$root/etc/machine-id"
  # nobody logs in, and there is no network to update anything from
  systemctl --quiet --root="$root" mask getty.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  systemctl --quiet --root="$root" enable lab-exec.service
  mkfs.ext4 -q -d "$root" -O ^has_journal -E lazy_itable_init=1 "$tmp/debian.ext4" 1500M >&2
  cp "$kernel"/boot/vmlinuz-* "$tmp/vmlinuz"
  "$lab/gen-ssdt.sh" 2 "$tmp/cpufreq.aml"
  rm -rf "$root" "$tmp/files" "$tmp/first.cpio"
  mv -T "$tmp" "$out" 2>/dev/null || [ -d "$out" ] # another run may have finished first
fi
echo "$out"
