# Lets systemd and udev forget what is gone. Made of the package's contents: root units rules
# shellcheck shell=sh disable=SC2154
if [ -z "$root" ] && [ -n "$units" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ -z "$root" ] && [ -n "$rules" ] && command -v udevadm >/dev/null; then udevadm control --reload || true; fi
