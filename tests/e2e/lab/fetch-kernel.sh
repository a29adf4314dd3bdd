#!/bin/bash
# Unpacks Debian's kernel into the cache, never onto the machine; without it there is no kernel with virtio ports and cpufreq.
# fetch-kernel.sh CACHE : prints the folder that holds boot/ and lib/modules/. The newest cached kernel serves when apt has none.
set -euo pipefail
cache=$1
fail() { echo "fetch-kernel: $*" >&2; exit 1; }

pkg=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -1)
if [ -z "$pkg" ]; then
  newest=$(find "$cache" -mindepth 1 -maxdepth 1 -name 'linux-image-*' | sort -V | tail -1)
  [ -n "$newest" ] || fail "apt knows no linux-image-amd64 and $cache holds none; run apt-get update"
  echo "$newest"
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
echo "$dir"
