// Reads the cpufreq domains of a VM or of a fixture tree in one go.

/** One policyN as its files read. */
export interface Domain {
  readonly governor: string;
  readonly min: string;
  readonly max: string;
  readonly setspeed: string;
  readonly cur: string;
}

const FILES: { readonly [K in keyof Domain]: string } = {
  governor: "scaling_governor",
  min: "scaling_min_freq",
  max: "scaling_max_freq",
  setspeed: "scaling_setspeed",
  cur: "scaling_cur_freq",
};

/**
 * Returns every domain by its name (policy0, ...).
 * @param sh runs a command where the tree is and returns its stdout.
 * @param root what stands for /sys there.
 */
export async function readDomains(
  sh: (command: string) => Promise<string>,
  root = "/sys",
): Promise<Record<string, Domain>> {
  const names = Object.values(FILES)
    .map((file) => `policy*/${file}`)
    .join(" ");
  // first lines only: in a tree of regular files a shorter text leaves the end of a longer one behind it
  const text = await sh(`cd ${root}/devices/system/cpu/cpufreq && grep -H -m 1 '' ${names}`);
  const values = new Map(
    text.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
  const policies = [...new Set([...values.keys()].filter(Boolean).map((key) => key.split("/")[0] ?? ""))];
  const value = (policy: string, key: keyof Domain) => values.get(`${policy}/${FILES[key]}`)?.trim() ?? "";
  return Object.fromEntries(
    policies.map((policy) => [
      policy,
      {
        governor: value(policy, "governor"),
        min: value(policy, "min"),
        max: value(policy, "max"),
        setspeed: value(policy, "setspeed"),
        cur: value(policy, "cur"),
      },
    ]),
  );
}
