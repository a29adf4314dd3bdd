#!/bin/bash
# Writes the ACPI table that gives QEMU's CPUs P-states; without it acpi-cpufreq has nothing to bind to.
# gen-ssdt.sh CPUS OUT.aml : one independent domain per CPU (at most 8), ten P-states from 2600 to 800 MHz.
# Control and status of a CPU are one i8257 DMA page register: QEMU stores the byte and reads it back.
set -euo pipefail
cpus=$1 out=$2 asl=${2%.aml}.asl
registers=(0x87 0x83 0x81 0x82 0x8F 0x8B 0x89 0x8A)
{
  echo 'DefinitionBlock ("", "SSDT", 2, "PWRMON", "CPUFREQ ", 1)'
  echo '{'
  for ((i = 0; i < cpus; i++)); do printf '    External (\\_SB.CPUS.C%03X, DeviceObj)\n' "$i"; done
  echo '    Name (\PSSX, Package () {   // MHz, mW, latency us, bus master latency us, control, status'
  for ((mhz = 2600; mhz >= 800; mhz -= 200)); do
    printf '        Package (6) { %d, %d, 10, 10, 0x%02X, 0x%02X },\n' "$mhz" $((mhz * 5)) $((mhz / 100)) $((mhz / 100))
  done
  echo '    })'
  for ((i = 0; i < cpus; i++)); do
    printf '    Scope (\\_SB.CPUS.C%03X)\n    {\n' "$i"
    echo "        Name (_PCT, Package (2) {"
    echo "            ResourceTemplate () { Register (SystemIO, 8, 0, ${registers[i]}) },"
    echo "            ResourceTemplate () { Register (SystemIO, 8, 0, ${registers[i]}) } })"
    echo '        Method (_PSS, 0, NotSerialized) { Return (\PSSX) }'
    echo '        Method (_PPC, 0, NotSerialized) { Return (0) }'
    echo "        Name (_PSD, Package (1) { Package (5) { 5, 0, $i, 0xFC, 1 } })"
    echo '    }'
  done
  echo '}'
} > "$asl"
iasl -ve -p "${out%.aml}" "$asl" > "$asl.log" 2>&1 || { cat "$asl.log" >&2; exit 1; }
