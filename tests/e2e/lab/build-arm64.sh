#!/bin/bash
# Builds what an arm64 machine boots from: Debian's kernel for it and a first root with its busybox, bash and C library; and a Bun for it.
# build-arm64.sh BUN_VERSION : prints the finished folder (vmlinuz, base.cpio, bun) as its only line on stdout; 110 MB to download, once.
# apt is asked with lists of its own: this machine learns nothing of another architecture.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
cache=${POWERMON_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/powermon-e2e}
version=$1
fail() { echo "build-arm64: $*" >&2; exit 1; }
apt=$cache/apt-arm64
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
cat > "$apt/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State::lists "$apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$apt";
CONF
export APT_CONFIG=$apt/apt.conf
apt-get -qq update >&2 || echo "build-arm64: the lists of arm64 stay as they are" >&2

kernel=$("$lab/fetch-kernel.sh" "$cache" linux-image-arm64)
out=$kernel/lab-$(cat "$lab"/*.sh "$lab"/vm-* <(echo "$version") | sha256sum | cut -c1-12)
if [ ! -d "$out" ]; then
  tmp=$(mktemp -d "$kernel/building.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  mkdir "$tmp/debs" "$tmp/root"
  (cd "$tmp/debs" && apt-get download -q busybox-static bash libc6 libtinfo6 >&2) || fail "cannot download busybox, bash and the C library for arm64"
  for deb in "$tmp"/debs/*.deb; do dpkg-deb -x "$deb" "$tmp/root"; done
  (cd "$tmp/debs" && npm pack --silent "@oven/bun-linux-aarch64@$version" >&2) || fail "cannot download Bun $version for arm64"
  tar -xzf "$tmp"/debs/oven-bun-*.tgz -C "$tmp" --strip-components=2 package/bin/bun
  LAB_BUSYBOX=$tmp/root/bin/busybox "$lab/make-initramfs.sh" "$kernel" "$tmp/first.cpio" "virtio_pci virtio_console" >&2
  mkdir "$tmp/files"
  install -D -m 755 "$tmp/root/bin/bash" "$tmp/files/bin/bash"
  mkdir -p "$tmp/files/lib/aarch64-linux-gnu"
  cp -L "$tmp"/root/lib/ld-linux-aarch64.so.1 "$tmp/files/lib/"
  for library in libc libm libpthread libdl librt libtinfo; do
    cp -L "$tmp"/root/lib/aarch64-linux-gnu/$library.so.6 "$tmp/files/lib/aarch64-linux-gnu/" 2>/dev/null ||
      cp -L "$tmp"/root/lib/aarch64-linux-gnu/$library.so.? "$tmp/files/lib/aarch64-linux-gnu/"
  done
  install -m 755 "$lab/vm-standalone-init" "$tmp/files/init"
  (cat "$tmp/first.cpio"; cd "$tmp/files" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$tmp/base.cpio"
  cp "$kernel"/boot/vmlinuz-* "$tmp/vmlinuz"
  rm -rf "$tmp/debs" "$tmp/root" "$tmp/files" "$tmp/first.cpio"
  mv -T "$tmp" "$out" 2>/dev/null || [ -d "$out" ] # another run may have finished first
fi
echo "$out"
