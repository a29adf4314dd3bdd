#!/bin/bash
# Writes the ACPI table that gives QEMU's CPUs CPPC (_CPC of version 3); without it neither amd-pstate nor cppc_cpufreq finds a CPU.
# gen-cppc-ssdt.sh CPUS OUT.aml : performance 20..166 with 100 the nominal 2600 MHz. Each CPU's registers are 64 bytes of memory from
# 0x1e000000 on, which the kernel's argument memmap=64K$0x1e000000 keeps free; EPP is bits 12..19 of MSR_VM_HSAVE_PA, which QEMU stores.
set -euo pipefail
cpus=$1 out=$2 asl=${2%.aml}.asl
none='ResourceTemplate () { Register (SystemMemory, 0, 0, 0, 0) }'
counter='ResourceTemplate () { Register (SystemIO, 8, 0, 0x71, 1) }'
register() { printf 'ResourceTemplate () { Register (SystemMemory, 32, 0, 0x%X, 3) }' $((0x1e000000 + $1 * 64 + $2)); }
{
  echo 'DefinitionBlock ("", "SSDT", 2, "PWRMON", "CPPC    ", 1)'
  echo '{'
  echo '    External (\_SB, DeviceObj)'
  for ((i = 0; i < cpus; i++)); do printf '    External (\\_SB.CPUS.C%03X, DeviceObj)\n' "$i"; done
  echo '    // yes to CPPC and CPPC version 2, and to nothing else'
  echo '    Scope (\_SB) { Method (_OSC, 4) { CreateDWordField (Arg3, 4, CAPS) CAPS &= 0x4060 Return (Arg3) } }'
  for ((i = 0; i < cpus; i++)); do
    printf '    Scope (\\_SB.CPUS.C%03X)\n    {\n' "$i"
    echo '        Name (_CPC, Package (23) { 23, 3,'
    echo '            166, 100, 60, 20,   // highest, nominal, lowest nonlinear, lowest'
    echo "            $none,   // guaranteed"
    echo "            $(register "$i" 0), $(register "$i" 4), $(register "$i" 8),   // desired, minimum, maximum"
    echo "            $none, $none, $none,   // tolerance, time window, wraparound"
    echo "            $counter, $counter, $none,   // reference, delivered, limited"
    echo "            $(register "$i" 12), $(register "$i" 16),   // enable, autonomous selection"
    echo "            $none,   // activity window"
    echo '            ResourceTemplate () { Register (FFixedHW, 8, 12, 0xC0010117, 4) },   // EPP'
    echo '            100, 520, 2600 })   // reference performance, lowest MHz, nominal MHz'
    echo "        Name (_PSD, Package (1) { Package (5) { 5, 0, $i, 0xFC, 1 } })"
    echo '    }'
  done
  echo '}'
} > "$asl"
iasl -ve -p "${out%.aml}" "$asl" > "$asl.log" 2>&1 || { cat "$asl.log" >&2; exit 1; }
