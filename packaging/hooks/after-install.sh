# Lets the system take up what was installed; run twice, it does no more. Made of the package's contents: root name units sysusers tmpfiles rules
# shellcheck shell=sh disable=SC2154
for conf in $sysusers; do
  if command -v systemd-sysusers >/dev/null; then systemd-sysusers ${root:+"--root=$root"} "$conf"; fi
done
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # A unit that can't run with its configuration must not keep the package from being installed.
  for conf in $tmpfiles; do systemd-tmpfiles --create "$conf" || true; done
  for unit in $units; do systemctl try-restart "$unit" || true; done
fi
if [ -z "$root" ] && [ -n "$rules" ] && command -v udevadm >/dev/null; then
  udevadm control --reload || true
  udevadm trigger --subsystem-match=virtio-ports || true
fi
# Who installs is told what the unit would tell the journal.
if [ -z "$root" ]; then "/usr/lib/$name/cpu-check" || true; fi
