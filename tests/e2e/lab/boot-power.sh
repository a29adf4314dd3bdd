#!/bin/bash
# Starts the VM that sleeps in the foreground: 4 CPUs with acpi-cpufreq, turbo and idle states; without it S3 would be a story.
# boot-power.sh BUILD_DIR DIR NAME PORTS : console on stdout, commands by DIR/NAME.exec. POWERMON_E2E_DIST names the folder of powermon.
# DIR/NAME.qmp is its monitor. LAB_DISK : a file that is its disk /dev/vda; LAB_APPEND, LAB_MODULES : more words for the
# kernel, more modules.
# machine pc and the packed kernel: on q35 and with the ELF kernel a second S3 does not come back. No 9p: it does not survive S3.
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
build=$1 dir=$2 name=$3
kernel=$(dirname "$build")
# made by build-turbo-bit.sh where apt has the headers; without it this VM has no turbo. acpi-cpufreq looks for the bit when it is loaded
turbo=$(find "$kernel" -maxdepth 1 -name 'turbo-bit-*.ko' -print -quit)
"$lab/make-standalone.sh" "$kernel" "$dir/$name.cpio" powermon "virtio_pci virtio_blk virtio_console acpi-cpufreq cpufreq_userspace button ${LAB_MODULES:-}" "$turbo"
disk=()
[ -z "${LAB_DISK:-}" ] || disk=(-drive "file=$LAB_DISK,format=raw,if=none,id=disk" -device "virtio-blk-pci,drive=disk")
"$lab/gen-idle-ssdt.sh" 4 "$dir/$name-idle.aml"
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine pc -accel tcg,thread=multi -cpu max,vendor=GenuineIntel,family=6,model=60,stepping=1 -smp 4 -m 768 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio -acpitable "file=$build/cpufreq.aml" -acpitable "file=$dir/$name-idle.aml" \
  -kernel "$kernel"/boot/vmlinuz-* -initrd "$dir/$name.cpio" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=1 ${LAB_APPEND:-}" \
  -qmp "unix:$dir/$name.qmp,server=on,wait=off" "${disk[@]}" \
  -device virtio-serial-pci,id=vser,max_ports=2 \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device virtserialport,bus=vser.0,nr=1,chardev=exec,name=lab.exec
