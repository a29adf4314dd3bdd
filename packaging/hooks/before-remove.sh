# Stops what is about to go; powermon restores the clocks on its way out. Made of the package's contents: root units
# shellcheck shell=sh disable=SC2154
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  for unit in $units; do systemctl disable --now "$unit" || true; done
fi
