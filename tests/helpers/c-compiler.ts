// C and C++ compilers as a stranger's build would call libvmpower.h: strict, and with sanitizers where they are installed.

import { resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");
const STRICT = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"];
const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** What the header promises to compile with; `language` is its flags. */
export const COMPILERS = [
  { name: "gcc", title: "gcc, C11", language: ["-std=c11", "-x", "c"] },
  { name: "g++", title: "g++, C++17", language: ["-std=c++17", "-x", "c++"] },
  { name: "clang", title: "clang, C11", language: ["-std=c11", "-x", "c"] },
  { name: "clang++", title: "clang++, C++17", language: ["-std=c++17", "-x", "c++"] },
] as const;
export type Compiler = (typeof COMPILERS)[number];

/** Compiles `source`, a path from the project's root, to `out`. Errors: thrown with what the compiler said; a warning is one. */
export function compile(compiler: Compiler, source: string, out: string): void {
  const { name, language } = compiler;
  const said = run([name, ...language, ...STRICT, ...sanitizers(compiler), "-o", out, resolve(ROOT, source)]);
  if (said !== "") throw new Error(`${name} ${source}: ${said}`);
}

/** Returns the sanitizers' flags, none where `compiler` came without their libraries. */
function sanitizers({ name, language }: Compiler): readonly string[] {
  const empty = new TextEncoder().encode("int main(void) { return 0; }\n");
  const said = run([name, ...language, ...SANITIZERS, "-o", "/dev/null", "-"], empty);
  return said === "" ? SANITIZERS : [];
}

/** Returns what the command printed; nothing when it succeeded in silence. */
function run(command: readonly string[], stdin?: Uint8Array): string {
  const done = Bun.spawnSync([...command], { stdin: stdin ?? "ignore", timeout: 60_000 });
  const said = `${done.stdout}${done.stderr}`;
  return done.success || said !== "" ? said : `status ${done.exitCode}`;
}
