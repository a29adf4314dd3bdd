#!/bin/bash
# Starts the guest VM in the foreground; without it no scenario has a real virtio-serial port.
# boot-guest.sh BUILD_DIR DIR NAME PORTS : console on stdout, channel sockets DIR/NAME.0.., commands by DIR/NAME.exec,
# QEMU's monitor at DIR/NAME.qmp. Its root is this machine's, read-only over 9p; with LAB_INITRD=FILE it is that initramfs alone.
# LAB_INCOMING=SOCKET : boots nothing and waits for the VM that is migrated to it by that socket.
set -euo pipefail
build=$1 dir=$2 name=$3 ports=$4
args=(-initrd "${LAB_INITRD:-$build/guest.cpio}")
if [ -n "${LAB_INITRD:-}" ]; then
  args+=(-m 640)
else
  args+=(-m 320 -fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
    -device "virtio-9p-pci,fsdev=root,mount_tag=labroot")
fi
[ -z "${LAB_INCOMING:-}" ] || args+=(-incoming "unix:$LAB_INCOMING")
args+=(-device "virtio-serial-pci,id=vser,max_ports=$((ports + 2))")
for ((i = 0; i < ports; i++)); do
  args+=(-chardev "socket,id=channel$i,path=$dir/$name.$i,server=on,wait=off"
    -device "virtserialport,id=port$i,bus=vser.0,nr=$((i + 1)),chardev=channel$i,name=virtio.serial.port.poweragent.$i")
done
# setpriv: the VM ends with the test run, however that ends
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine q35 -accel tcg,thread=multi -cpu max -smp 2 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio \
  -qmp "unix:$dir/$name.qmp,server=on,wait=off" \
  -kernel "$build/vmlinux" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=$((ports + 1))" \
  "${args[@]}" \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device "virtserialport,bus=vser.0,nr=$((ports + 1)),chardev=exec,name=lab.exec"
