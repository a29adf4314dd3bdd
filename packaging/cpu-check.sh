#!/bin/sh
# Says in one sentence, with status 1, why this CPU can't run the program; without it that would be an illegal instruction (SIGILL) and no word.
# Goes to /usr/lib/PROGRAM/cpu-check. cpu-check [FILE] : FILE stands for /proc/cpuinfo.
set -f
name=${0%/*} name=${name##*/}
lacks=
# A machine of another kind than x86 has no line of flags.
while read -r key line; do
  [ "$key" = flags ] || continue
  for flag in ssse3 sse4_1 sse4_2 popcnt; do
    case " $line " in *" $flag "*) ;; *) lacks="$lacks $flag" ;; esac
  done
  break
done <"${1:-/proc/cpuinfo}"
[ -n "$lacks" ] || exit 0
# The journal reads priorities from lines; elsewhere the mark would be text.
mark=
[ "$(stat -L -c %d:%i "/proc/$$/fd/2" 2>/dev/null)" != "${JOURNAL_STREAM:-none}" ] || mark='<3>'
echo "${mark}${name} can't run on this CPU, which lacks$lacks (x86-64-v2): in a VM choose another CPU model, such as -cpu host of QEMU or mode='host-passthrough' of libvirt." >&2
exit 1
