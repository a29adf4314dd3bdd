#!/bin/bash
# Unpacks one of Debian's kernels into the cache, never onto the machine; without it there is no kernel with virtio ports and cpufreq.
# fetch-kernel.sh CACHE [PACKAGE] : prints the folder that holds boot/ and lib/modules/. PACKAGE is the one that depends on the newest
# kernel of its kind (default linux-image-amd64). The kernel that it named last serves when apt does not know it.
set -euo pipefail
cache=$1 newest=${2:-linux-image-amd64}
fail() { echo "fetch-kernel: $*" >&2; exit 1; }

pkg=$(apt-cache depends "$newest" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -1)
if [ -z "$pkg" ]; then
  [ -d "$cache/$newest" ] || fail "apt knows no $newest and $cache holds none; run apt-get update"
  realpath "$cache/$newest"
  exit
fi
dir=$cache/$pkg
if [ ! -d "$dir" ]; then
  tmp=$(mktemp -d "$cache/fetching.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  (cd "$tmp" && apt-get download -q "$pkg" >&2) || fail "cannot download $pkg"
  dpkg-deb -x "$tmp/$pkg"_*.deb "$tmp/root"
  [ -d "$tmp/root/lib" ] || ln -s usr/lib "$tmp/root/lib"
  mv -T "$tmp/root" "$dir" 2>/dev/null || [ -d "$dir" ]
fi
ln -sfn "$pkg" "$cache/$newest"
echo "$dir"
