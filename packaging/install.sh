#!/bin/sh
# Installs the program of this folder under / (or $DESTDIR), or removes it again.
#   ./install.sh             installs or upgrades; a configuration that is there stays as it is
#   ./install.sh uninstall   removes what install brought; a changed configuration stays
#   ./install.sh purge       removes the configuration and what the program left behind as well
set -eu
cd "$(dirname "$0")"
root=${DESTDIR:-}
# What package.conf says.
name='' configs=''
# shellcheck source=/dev/null
. ./package.conf
# Folders that were not there before, parents first: only these are removed.
record=$root/usr/share/doc/$name/made-folders

is_config() {
  for config in $configs; do [ "$config" = "$1" ] && return 0; done
  return 1
}

list() { (cd root && find . -type "$1" | sort | sed -n 's,^\./,,p'); }

install_files() {
  made=
  for folder in $(list d); do
    [ -d "$root/$folder" ] && continue
    mkdir -p "$root"
    mkdir -m 755 "$root/$folder"
    made="$made$folder
"
  done
  printf %s "$made" >>"$record"
  for file in $(list f); do
    if is_config "$file" && [ -e "$root/$file" ]; then
      echo "kept $root/$file"
      continue
    fi
    mode=644
    [ -x "root/$file" ] && mode=755
    install -m $mode "root/$file" "$root/$file.new"
    mv -f "$root/$file.new" "$root/$file"
  done
  # shellcheck source=/dev/null
  . ./hooks/after-install.sh
}

remove_files() {
  [ -e "$record" ] || { echo "$name was not installed here by install.sh" >&2; exit 1; }
  folders=$(sort -r "$record")
  # shellcheck source=/dev/null
  . ./hooks/before-remove.sh
  for file in $(list f); do
    if [ "$1" = uninstall ] && is_config "$file" && ! cmp -s "root/$file" "$root/$file"; then
      [ -e "$root/$file" ] && echo "kept $root/$file"
      continue
    fi
    rm -f "$root/$file"
  done
  rm -f "$record"
  # shellcheck source=/dev/null
  [ "$1" = uninstall ] || . ./hooks/after-purge.sh
  for folder in $folders; do rmdir "$root/$folder" 2>/dev/null || true; done
  # shellcheck source=/dev/null
  . ./hooks/after-remove.sh
}

case ${1:-install} in
  install) install_files ;;
  uninstall | purge) remove_files "$1" ;;
  *)
    echo "usage: $0 [install|uninstall|purge]" >&2
    exit 2
    ;;
esac
