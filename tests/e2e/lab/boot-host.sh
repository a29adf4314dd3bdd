#!/bin/bash
# Starts the host VM in the foreground: 4 CPUs with real acpi-cpufreq; without it nothing proves a clock really changes.
# boot-host.sh BUILD_DIR DIR NAME PORTS : console on stdout, commands by DIR/NAME.exec; inside, TCP 10.0.2.100:9000+n
# is the guest's channel socket DIR/vm1.n (one socat per connection, so connects and disconnects carry over).
# LAB_CPU, LAB_CPUS, LAB_KERNEL, LAB_TABLE, LAB_APPEND : QEMU's -cpu and -smp, kernel and ACPI table of BUILD_DIR, more words for the kernel.
set -euo pipefail
build=$1 dir=$2 name=$3 ports=$4
forwards=
for ((i = 0; i < ports; i++)); do
  forwards+=",guestfwd=tcp:10.0.2.100:$((9000 + i))-cmd:socat - UNIX-CONNECT:$dir/vm1.$i"
done
exec setpriv --pdeathsig KILL qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
  -machine q35 -accel tcg,thread=multi -cpu "${LAB_CPU:-max,vendor=GenuineIntel,family=6,model=60,stepping=1}" -smp "${LAB_CPUS:-4}" -m 512 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio -acpitable "file=$build/${LAB_TABLE:-cpufreq.aml}" \
  -kernel "$build/${LAB_KERNEL:-vmlinux}" -initrd "$build/host.cpio" \
  -append "console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=1 ${LAB_APPEND:-}" \
  -fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
  -device virtio-9p-pci,fsdev=root,mount_tag=labroot \
  -netdev "user,id=net,restrict=on$forwards" -device virtio-net-pci,netdev=net \
  -device virtio-serial-pci,id=vser,max_ports=2 \
  -chardev "socket,id=exec,path=$dir/$name.exec,server=on,wait=off" \
  -device virtserialport,bus=vser.0,nr=1,chardev=exec,name=lab.exec
