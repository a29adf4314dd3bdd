#!/bin/bash
# Unpacks what modules for a cached kernel are built with; nothing is installed.
# fetch-headers.sh KERNEL_DIR OUT : prints the folder to give to make -C, below OUT. 14 MB to download.
set -euo pipefail
kernel=$1 out=$2
fail() { echo "fetch-headers: $*" >&2; exit 1; }
headers=linux-headers-$(basename "$(echo "$kernel"/lib/modules/*)")
# The other half and the tools by the names that the headers themselves have for them. Of each the newest version:
# the archive can have different versions of one source's packages for days.
mapfile -t parts < <(apt-cache depends "$headers" 2>/dev/null | sed -n 's/^ *Depends: \(linux-headers-.*-common\|linux-kbuild-.*\)$/\1/p')
[ ${#parts[@]} -eq 2 ] || fail "apt does not know $headers and what it builds with; run apt-get update"
mkdir -p "$out"
(cd "$out" && apt-get download -q "$headers" "${parts[@]}" >&2) || fail "cannot download $headers ${parts[*]}"
for deb in "$out"/*.deb; do dpkg-deb -x "$deb" "$out/root"; done
at=$out/root/usr/src/$headers
# Debian's Makefile names its other half by the place where it would be installed
sed -i "s#/usr/src/#$out/root/usr/src/#" "$at/Makefile"
# types for BPF, which would want pahole
rm -f "$at/vmlinux"
echo "$at"
