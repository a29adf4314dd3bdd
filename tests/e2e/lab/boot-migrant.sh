#!/bin/bash
# Starts, in the foreground, a guest VM that can be migrated; without it a VM that moves away would be only a VM that ends.
# boot-migrant.sh BUILD_DIR DIR NAME PORTS : console on stdout, channel sockets DIR/NAME.0.., commands by DIR/NAME.exec, QEMU's monitor
# at DIR/NAME.qmp. MIGRANT_INCOMING is a socket's path: then it boots nothing and waits for the VM that comes by it.
# No 9p: QEMU migrates no VM that has one.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
build=$1 dir=$2 name=$3 ports=$4
"$lab/make-standalone.sh" "$(dirname "$build")" "$dir/$name.cpio" vmpower-guest "virtio_pci virtio_console"
args=()
for ((i = 0; i < ports; i++)); do
  args+=(-chardev "socket,id=channel$i,path=$dir/$name.$i,server=on,wait=off"
    -device "virtserialport,id=port$i,bus=vser.0,nr=$((i + 1)),chardev=channel$i,name=virtio.serial.port.poweragent.$i")
done
[ -z "${MIGRANT_INCOMING:-}" ] || args+=(-incoming "unix:$MIGRANT_INCOMING")
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 640 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio \
  -qmp "unix:$dir/$name.qmp,server=on,wait=off" \
  -kernel "$build/vmlinux" -initrd "$dir/$name.cpio" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=$((ports + 1))" \
  -device "virtio-serial-pci,id=vser,max_ports=$((ports + 2))" "${args[@]}" \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device "virtserialport,bus=vser.0,nr=$((ports + 1)),chardev=exec,name=lab.exec"
