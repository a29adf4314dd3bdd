#!/bin/bash
# Starts a host VM on Linux 6.12 in the foreground: without it powermon would be tried on the driver of ten years ago alone.
# boot-driver.sh BUILD_DIR DIR NAME PORTS CPU : as boot-host.sh, with 2 CPUs. CPU is one of
#   intel         P-states by ACPI and boost; no driver is loaded
#   amd           CPPC by ACPI and boost, amd-pstate active
#   amd-no-boost  the same CPU without Core Performance Boost, and the kernel as Debian has it
set -euo pipefail
lab=$(cd "$(dirname "$0")" && pwd)
export LAB_CPUS=2
case $5 in
  intel) export LAB_KERNEL=vmlinux-boost ;;
  amd | amd-no-boost)
    export LAB_CPU=max,vendor=AuthenticAMD,family=23,model=113,stepping=0 LAB_TABLE=cppc.aml
    # shellcheck disable=SC2016 # a dollar for the kernel
    export LAB_APPEND='memmap=64K$0x1e000000 amd_pstate=active'
    [ "$5" = amd-no-boost ] || export LAB_KERNEL=vmlinux-boost
    ;;
  *) echo "boot-driver: no CPU $5" >&2; exit 2 ;;
esac
exec "$lab/boot-host.sh" "${@:1:4}"
