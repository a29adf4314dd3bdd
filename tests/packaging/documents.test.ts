// Documents in a package: a reader of the installed ones is never sent to where nothing is.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { contentsOf } from "../../scripts/package/contents.ts";
import { installedDocument } from "../../scripts/package/documents.ts";
import { PACKAGED } from "../../scripts/package/programs.ts";

/** Returns the anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Returns the files of a package by their paths, each as a text. */
async function filesOf(packaged: (typeof PACKAGED)[number]): Promise<ReadonlyMap<string, string>> {
  const { entries } = await contentsOf(packaged, "/bin/true", "{}", "2026-01-31");
  return new Map(
    entries.map(({ to, content }) => [
      to,
      "file" in content ? readFileSync(content.file, "utf8") : String(content.text),
    ]),
  );
}

test.each(PACKAGED)(
  "the documents of $name link to what it brings, and to headings that are there",
  async (packaged) => {
    const files = await filesOf(packaged);
    const documents = [...files].filter(([path]) => path.endsWith(".md"));
    expect(documents.length).toBeGreaterThan(5);
    let links = 0;
    const dead = documents.flatMap(([path, text]) =>
      [...text.matchAll(/\]\(([^)#]*)#?([^)]*)\)/g)].flatMap(([link, target = "", anchor = ""]) => {
        if (/^\w+:/.test(target)) return [];
        links++;
        const to = target === "" ? path : normalize(join(dirname(path), target));
        const isFolder = [...files.keys()].some((file) => file.startsWith(`${to}/`));
        const there =
          isFolder || (files.has(to) && (anchor === "" || anchorsOf(files.get(to) ?? "").includes(anchor)));
        return there ? [] : [`${path}: ${link}`];
      }),
    );
    expect(dead).toEqual([]);
    expect(links).toBeGreaterThan(5);
  },
);

test.each(PACKAGED)(
  "the documents of $name name no file of packaging/ that lies elsewhere or that it lacks",
  async (packaged) => {
    const files = await filesOf(packaged);
    const named = [...files]
      .filter(([path]) => path.endsWith(".md"))
      .flatMap(([path, text]) =>
        [...text.matchAll(/\bpackaging\/[\w./-]*\w/g)].map(([name]) => `${path}: ${name}`),
      );
    expect(named).toEqual([]);
  },
);

test("alerts, dashboard, role and DaemonSet are in powermon's package", async () => {
  const [host] = PACKAGED;
  if (host === undefined) throw new Error("nothing is packaged");
  const paths = [...(await filesOf(host)).keys()];
  for (const file of [
    "prometheus/alerts.yml",
    "grafana/powermon.json",
    "ansible/site.yml",
    "ansible/roles/powermon/tasks/main.yml",
    "kubernetes/daemonset.yaml",
  ])
    expect(paths).toContain(`usr/share/doc/powermon/examples/${file}`);
});

test("installedDocument() leads links to where their files went, and keeps the words of those that lead nowhere", () => {
  const installed = new Map([
    ["docs/a.md", "usr/share/doc/p/a.md"],
    ["docs/b.md", "usr/share/doc/p/b.md"],
    ["packaging/x/deep/y.yml", "usr/share/doc/p/examples/x/deep/y.yml"],
  ]);
  const made = (text: string) => installedDocument("docs/a.md", text, installed);
  expect(made("[b](b.md#c) [x](../packaging/x) [y](../packaging/x/deep/y.yml)")).toBe(
    "[b](b.md#c) [x](examples/x) [y](examples/x/deep/y.yml)",
  );
  expect(made("[gone](../tests/e.md#f), ![picture](images/p.png), [here](#here), [out](https://a.b/c)")).toBe(
    "gone, picture, [here](#here), [out](https://a.b/c)",
  );
  expect(made("`packaging/x/deep/y.yml`")).toBe("`/usr/share/doc/p/examples/x/deep/y.yml`");
});
