#!/bin/bash
# Gives librte_power its fixed device paths as ptys; without it a stock DPDK guest could only run inside a VM.
# dpdk-bridge.sh DIR NAME PORTS COMMAND.. : port N is DIR/NAME.N, where powermon connects. COMMAND starts once it has, with
# /dev/virtio-ports in a mount namespace of its own: the machine's /dev is not touched. With KEEP=1 COMMAND starts at once, and its ports
# outlive their hosts, as QEMU's do.
set -euo pipefail
if [ "${1:-}" != --inside ]; then exec unshare --mount "$0" --inside "$@"; fi
shift
dir=$1 name=$2 ports=$3
shift 3
# outside of /dev, where a machine of files may stand in memory
dev=$(mktemp -d)
mount --rbind /dev "$dev"
mount -t tmpfs tmpfs /dev
ln -s "$dev"/* /dev/
mkdir /dev/virtio-ports

bridges=()
trap 'kill "${bridges[@]}"; umount -l /dev "$dev"; rmdir "$dev"' EXIT
for ((n = 0; n < ports; n++)); do
  link=/dev/virtio-ports/virtio.serial.port.poweragent.$n
  if [ "${KEEP:-}" = 1 ]; then
    setpriv --pdeathsig TERM socat "PTY,link=$link,raw,echo=0" "PTY,link=/dev/host.$n,raw,echo=0" &
    bridges+=($!)
    setpriv --pdeathsig TERM socat -t 0 "UNIX-LISTEN:$dir/$name.$n,unlink-early,fork,max-children=1" "OPEN:/dev/host.$n,noctty" &
    bridges+=($!)
    continue
  fi
  # socat makes the pty when its first side is connected
  setpriv --pdeathsig TERM socat "UNIX-LISTEN:$dir/$name.$n,unlink-early" "PTY,link=$link,raw,echo=0" &
  bridges+=($!)
done
for ((n = 0; n < ports; n++)); do
  for ((tries = 0; tries < 600; tries++)); do
    [ ! -e "/dev/virtio-ports/virtio.serial.port.poweragent.$n" ] || continue 2
    sleep 0.05
  done
  echo "dpdk-bridge: nobody connected to $dir/$name.$n within 30 s" >&2
  exit 1
done
"$@"
