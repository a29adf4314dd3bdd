// The bill of materials: npm's own, cut down to what the executables contain.

import { readFileSync } from "node:fs";

const root = new URL("../..", import.meta.url).pathname;

interface Bom {
  readonly metadata: { readonly component: object; readonly tools: unknown };
  readonly components: readonly { readonly "bom-ref": string; readonly name: string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Returns a CycloneDX 1.5 document for the program `name`: the project's dependencies and the Bun that runs them.
 * Without serial number and with the time `date` (ISO), so that the same source gives the same bytes.
 * Errors: thrown with npm's own words when it can't; `npm sbom` came with npm 9.8.
 */
export function billOfMaterials(name: string, date: string): string {
  const { version, dependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const npm = Bun.spawnSync(["npm", "sbom", "--sbom-format", "cyclonedx"], { cwd: root, timeout: 60_000 });
  if (!npm.success) throw new Error(`npm sbom says: ${npm.stderr.toString().trim()}`);
  const { serialNumber: _, ...bom } = JSON.parse(npm.stdout.toString());
  const { metadata, components, dependencies: edges }: Bom = bom;
  const inside = [...Object.keys(dependencies), "bun"];
  const kept = components
    .filter((component) => inside.includes(component.name))
    .map((component) => ({ ...component, scope: "required" }));
  const refs = new Set(kept.map((component) => component["bom-ref"]));
  const ref = `${name}@${version}`;
  const nameless = inside.filter((wanted) => !kept.some((component) => component.name === wanted));
  if (nameless.length > 0) throw new Error(`npm sbom does not list ${nameless.join(", ")}`);
  const said = {
    ...bom,
    metadata: {
      ...metadata,
      timestamp: `${date}T00:00:00.000Z`,
      component: { ...metadata.component, "bom-ref": ref, type: "application", name },
    },
    components: kept,
    dependencies: [
      { ref, dependsOn: [...refs] },
      ...edges
        .filter((edge) => refs.has(edge.ref))
        .map((edge) => ({ ...edge, dependsOn: edge.dependsOn.filter((on) => refs.has(on)) })),
    ],
  };
  return `${JSON.stringify(said, null, 2)}\n`;
}
