// The look at the CPU before the program is started, on what the kernel says of several CPUs.

import { expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Flags of QEMU's CPU models as Linux tells them, shortened. */
const QEMU64 =
  "fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat clflush mmx fxsr sse sse2 syscall nx lm rep_good nopl cpuid pni cx16 hypervisor lahf_lm svm";
const NEHALEM = `${QEMU64} ssse3 sse4_1 sse4_2 popcnt`;

/** Runs cpu-check as it lies in a package, on a machine whose processor has `flags` (no such line when undefined). */
function check(flags: string | undefined, toJournal = false) {
  const dir = mkdtempSync(join(tmpdir(), "powermon-cpu-"));
  try {
    const place = join(dir, "lib/vmpower-guest");
    mkdirSync(place, { recursive: true });
    const script = join(place, "cpu-check");
    copyFileSync(join(import.meta.dir, "../../packaging/cpu-check.sh"), script);
    chmodSync(script, 0o755);
    const cpuinfo = join(dir, "cpuinfo");
    const line = flags === undefined ? "Features\t: fp asimd\n" : `flags\t\t: ${flags}\nbugs\t\t:\n`;
    writeFileSync(cpuinfo, `processor\t: 0\nmodel name\t: A CPU\n${line}\n`.repeat(2));
    const fd = openSync(join(dir, "said"), "w");
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const { exitCode } = Bun.spawnSync([script, cpuinfo], {
      env: { ...process.env, JOURNAL_STREAM: toJournal ? `${dev}:${ino}` : "1:1" },
      stderr: fd,
    });
    closeSync(fd);
    return { status: exitCode, said: readFileSync(join(dir, "said"), "utf8") };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("cpu-check names what QEMU's default CPU model lacks, and what to choose", () => {
  expect(check(QEMU64)).toEqual({
    status: 1,
    said: "vmpower-guest can't run on this CPU, which lacks ssse3 sse4_1 sse4_2 popcnt (x86-64-v2): in a VM choose another CPU model, such as -cpu host of QEMU or mode='host-passthrough' of libvirt.\n",
  });
});

test("cpu-check names a single flag that is missing, as one whose name it begins does not stand for it", () => {
  expect(check(`${NEHALEM.replace(" popcnt", "")} avx512_vpopcntdq`).said).toContain("which lacks popcnt (");
});

test("cpu-check is silent on a CPU of x86-64-v2, and on machines that are no x86", () => {
  for (const flags of [NEHALEM, undefined]) expect(check(flags)).toEqual({ status: 0, said: "" });
});

test("cpu-check marks its sentence as an error for the journal, and for nobody else", () => {
  expect(check(QEMU64, true).said).toStartWith("<3>vmpower-guest can't run");
});
