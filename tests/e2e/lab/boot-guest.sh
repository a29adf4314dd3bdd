#!/bin/bash
# Starts the guest VM in the foreground; without it no scenario has a real virtio-serial port.
# boot-guest.sh BUILD_DIR DIR NAME PORTS : console on stdout, channel sockets DIR/NAME.0.., commands by DIR/NAME.exec,
# QEMU's monitor at DIR/NAME.qmp.
set -euo pipefail
build=$1 dir=$2 name=$3 ports=$4
args=()
for ((i = 0; i < ports; i++)); do
  args+=(-chardev "socket,id=channel$i,path=$dir/$name.$i,server=on,wait=off"
    -device "virtserialport,id=port$i,bus=vser.0,nr=$((i + 1)),chardev=channel$i,name=virtio.serial.port.poweragent.$i")
done
# setpriv: the VM ends with the test run, however that ends
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 320 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio \
  -qmp "unix:$dir/$name.qmp,server=on,wait=off" \
  -kernel "$build/vmlinux" -initrd "$build/guest.cpio" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=$((ports + 1))" \
  -fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
  -device virtio-9p-pci,fsdev=root,mount_tag=labroot \
  -device "virtio-serial-pci,id=vser,max_ports=$((ports + 2))" "${args[@]}" \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device "virtserialport,bus=vser.0,nr=$((ports + 1)),chardev=exec,name=lab.exec"
