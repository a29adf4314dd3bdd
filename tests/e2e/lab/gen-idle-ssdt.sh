#!/bin/bash
# Writes the ACPI table that gives QEMU's CPUs idle states; without it no cpuidle driver binds and there is nothing to limit.
# gen-idle-ssdt.sh CPUS OUT.aml : C1 (halt, 1 us) and C2 (900 ms). C2 is a read of a port that returns at once, so an emulated CPU
# would spin in it: the long latency keeps the governor from it.
set -euo pipefail
cpus=$1 out=$2 asl=${2%.aml}.asl
{
  echo 'DefinitionBlock ("", "SSDT", 2, "PWRMON", "CPUIDLE ", 1)'
  echo '{'
  for ((i = 0; i < cpus; i++)); do printf '    External (\\_SB.CPUS.C%03X, DeviceObj)\n' "$i"; done
  echo '    Name (\CSTX, Package () { 2,   // register, type, latency us, mW'
  echo '        Package (4) { ResourceTemplate () { Register (FFixedHW, 0, 0, 0) }, 1, 1, 1000 },'
  echo '        Package (4) { ResourceTemplate () { Register (SystemIO, 8, 0, 0x80) }, 2, 900000, 500 }'
  echo '    })'
  for ((i = 0; i < cpus; i++)); do
    printf '    Scope (\\_SB.CPUS.C%03X) { Method (_CST, 0, NotSerialized) { Return (\\CSTX) } }\n' "$i"
  done
  echo '}'
} > "$asl"
iasl -ve -p "${out%.aml}" "$asl" > "$asl.log" 2>&1 || { cat "$asl.log" >&2; exit 1; }
