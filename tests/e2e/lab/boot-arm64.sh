#!/bin/bash
# Starts an arm64 machine in the foreground, guest and host in one: 2 CPUs, real virtio ports, no clocks of its own.
# boot-arm64.sh BUILD_DIR DIR NAME PORTS : as boot-guest.sh. Its root is an initramfs with powermon and vmpower-guest, which
# POWERMON_E2E_DIST (default dist/) has as powermon-linux-arm64 and vmpower-guest-linux-arm64.
# Not -cpu max: under QEMU 7.2's emulation of that one the runtime crashed in about one of ten starts, on this CPU in none of 19.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
build=$1 dir=$2 name=$3 ports=$4
dist=${POWERMON_E2E_DIST:-$lab/../../../dist}
mkdir -p "$dir/$name.files/bin"
for program in powermon vmpower-guest; do install -m 755 "$dist/$program-linux-arm64" "$dir/$name.files/bin/$program"; done
(cat "$build/base.cpio"; cd "$dir/$name.files" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$dir/$name.cpio"
args=()
for ((i = 0; i < ports; i++)); do
  args+=(-chardev "socket,id=channel$i,path=$dir/$name.$i,server=on,wait=off"
    -device "virtserialport,id=port$i,bus=vser.0,nr=$((i + 1)),chardev=channel$i,name=virtio.serial.port.poweragent.$i")
done
exec setpriv --pdeathsig KILL qemu-system-aarch64 -name "guest=$name,debug-threads=on" \
  -machine virt -accel tcg,thread=multi -cpu cortex-a72 -smp 2 -m 1536 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio \
  -kernel "$build/vmlinuz" -initrd "$dir/$name.cpio" \
  -append "console=ttyAMA0 quiet panic=-1 mitigations=off lab.ports=$((ports + 1))" \
  -device "virtio-serial-pci,id=vser,max_ports=$((ports + 2))" "${args[@]}" \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device "virtserialport,bus=vser.0,nr=$((ports + 1)),chardev=exec,name=lab.exec"
