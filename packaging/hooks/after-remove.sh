# Lets systemd and udev forget what is gone. Made of the package's contents: root units rules
# shellcheck shell=sh disable=SC2154
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # A unit that had failed would stay in systemd's list.
  for unit in $units; do systemctl reset-failed "$unit" 2>/dev/null || true; done
fi
# A port that was seen with the rule would have systemd look for the unit for ever.
if [ -z "$root" ] && [ -n "$rules" ] && command -v udevadm >/dev/null; then
  udevadm control --reload || true
  udevadm trigger --subsystem-match=virtio-ports || true
fi
