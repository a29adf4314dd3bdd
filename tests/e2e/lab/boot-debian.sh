#!/bin/bash
# Starts the Debian machine in the foreground: 2 CPUs with acpi-cpufreq, process 1 is systemd; without it no unit would ever be started by one.
# boot-debian.sh BUILD_DIR DIR NAME PORTS : console on stdout, commands by DIR/NAME.exec, monitor DIR/NAME.qmp. DIR/packages.ext4 is its second disk.
# It is host and guest in one: port poweragent.N (device pa.N) leads to the port lab.bridge.N of the same machine.
# LAB_SWAP : a file that is its third disk /dev/vdc, for swap, where the kernel would look for the image of a hibernation.
# LAB_CPU : QEMU's -cpu. Machine pc and the packed kernel: with others a second S3 does not come back.
set -euo pipefail
build=$1 dir=$2 name=$3 ports=$4
channels=()
for ((i = 0; i < ports; i++)); do
  channels+=(
    -chardev "socket,id=pa$i,path=$dir/$name.$i,server=on,wait=off"
    -device "virtserialport,bus=vser.0,nr=$((i + 2)),chardev=pa$i,name=virtio.serial.port.poweragent.$i,id=pa.$i"
    -chardev "socket,id=bridge$i,path=$dir/$name.$i,reconnect=1"
    -device "virtserialport,bus=vser.0,nr=$((i + 16)),chardev=bridge$i,name=lab.bridge.$i"
  )
done
swap=() resume=
if [ -n "${LAB_SWAP:-}" ]; then
  swap=(-drive "file=$LAB_SWAP,format=raw,if=virtio")
  resume=" resume=/dev/vdc"
fi
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine pc -accel tcg,thread=multi -cpu "${LAB_CPU:-max,vendor=GenuineIntel,family=6,model=60,stepping=1}" -smp 2 -m 1024 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio -acpitable "file=$build/cpufreq.aml" \
  -kernel "$build/vmlinuz" -initrd "$build/debian.cpio" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off systemd.show_status=no$resume" \
  -drive "file=$build/debian.ext4,format=raw,if=virtio,snapshot=on" -drive "file=$dir/packages.ext4,format=raw,if=virtio,readonly=on" "${swap[@]}" \
  -qmp "unix:$dir/$name.qmp,server=on,wait=off" \
  -device virtio-serial-pci,id=vser,max_ports=31 \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device virtserialport,bus=vser.0,nr=1,chardev=exec,name=lab.exec "${channels[@]}"
