// Every route of the built powermon's control socket under bodies and paths that nobody would send: it answers, by its own document.

import { afterAll, beforeAll, expect, test } from "bun:test";
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020";
import { writeFileSync } from "node:fs";
import { readEvents } from "../../internal/control/event-reader.ts";
import document from "../../internal/api/openapi.json";
import { random } from "../fixtures/packet/random.ts";
import { type Daemon, type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { RandomJson } from "../helpers/random-json.ts";
import { snapshot } from "../power/snapshot.ts";

/** Requests of a seed; some ms each, since clients have a tenth of the time. */
const REQUESTS = 250;
/** No answer takes as long, in ms; nor does all of it. */
const PATIENCE_MS = 15_000;
const WHOLE_MS = 60_000;

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
  readonly isBodyNeeded: boolean;
  /** By status. */
  readonly answers: ReadonlyMap<number, ValidateFunction>;
  readonly takes: ValidateFunction | undefined;
}

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(document, "powermon");
const escape = (part: string) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
const at = (...parts: string[]) => {
  const validate = ajv.getSchema(`powermon#/${parts.map(escape).join("/")}`);
  if (validate === undefined) throw new Error(`the document has no ${parts.join(" ")}`);
  return validate as ValidateFunction;
};
const JSON_CONTENT = ["content", "application/json", "schema"];

interface Described {
  readonly responses: Readonly<Record<string, object>>;
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: { readonly "application/json": { readonly schema: object } };
  };
}

const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  path === "/metrics" || path === "/v1/events"
    ? []
    : Object.entries(methods as unknown as Record<string, Described>).map(
        ([method, { responses, requestBody }]) => ({
          method: method.toUpperCase(),
          path,
          body: requestBody?.content["application/json"].schema,
          isBodyNeeded: requestBody?.required === true,
          answers: new Map(
            Object.keys(responses).map((status) => [
              Number(status),
              at("paths", path, method, "responses", status, ...JSON_CONTENT),
            ]),
          ),
          takes: requestBody && at("paths", path, method, "requestBody", ...JSON_CONTENT),
        }),
      ),
);

let machine: Machine;
let daemon: Daemon;
const guests: QemuSocket[] = [];
const cpus = () => snapshot(`${machine.tree.sys}/devices/system/cpu`);
let before: Record<string, string> = {};

beforeAll(async () => {
  machine = makeMachine("acpi-cpufreq-4cpu-boost");
  before = cpus();
  for (const name of ["vm1.0", "vm1.1", "vm2.0"]) guests.push(new QemuSocket(`${machine.dir}/${name}`));
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(
    config,
    `[pinning]\nsources = ["static"]\n[vm.vm1]\npins = { 0 = 2, 1 = 3 }\n[vm.vm2]\npins = { 0 = 2 }\n`,
  );
  daemon = await startDaemon(machine, ["--config", config]);
  for (const guest of guests) await guest.hosted();
  const stream = await fetch("http://powermon/v1/events", { unix: `${machine.stateDir}/control.sock` });
  listening = listen(stream.body);
});
afterAll(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  for (const guest of guests) guest.quit();
  machine.remove();
});

/** Everything that was told since the start. */
const events: { readonly event: string; readonly n: number }[] = [];
let listening = Promise.resolve();
async function listen(body: Response["body"]): Promise<void> {
  try {
    if (body !== null) for await (const data of readEvents(body)) events.push(JSON.parse(data));
  } catch {
    // It ends with powermon.
  }
}

const WORDS: Readonly<Record<string, readonly string[]>> = {
  vm: ["vm1", "vm1", "vm2", "nobody"],
  vcpu: ["0", "1", "7"],
  cpu: ["0", "3", "99"],
  cpus: ["0", "2-3", "all", "0-99"],
  channels: ["0", "0-1", "all", "5"],
};
/** Parts of a path as nobody sends them, encoded already. */
const ODD_PARTS = [
  "",
  "%",
  "%zz",
  "%00",
  "%2f",
  "..",
  "%2e%2e",
  "%ff",
  "%ED%A0%80",
  "-1",
  "1e3",
  "4294967296",
  "0-4294967295",
  "0,".repeat(2000),
];

/** Returns a path of `operation`, of every kind. */
const pathOf = ({ path }: Operation, some: RandomJson): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, place: string) => {
    if (!some.once(5)) return some.pick(WORDS[place] ?? []);
    return some.once(2) ? some.pick(ODD_PARTS) : encodeURIComponent(some.text().toWellFormed());
  });

function textOf({ body, isBodyNeeded }: Operation, some: RandomJson): string | undefined {
  if (body === undefined) return some.once(10) ? some.broken("{}") : undefined;
  if (some.once(isBodyNeeded ? 20 : 4)) return undefined;
  const right = some.of(body as Record<string, unknown>);
  const said = some.once(2) ? right : some.spoilt(right);
  const text = JSON.stringify(some.once(4) ? { ...(said as object), dryRun: true } : said) ?? "null";
  return some.once(10) ? some.broken(text) : text;
}

/** Whether the document takes `text` as a body of `operation`. */
function isTaken({ takes, isBodyNeeded }: Operation, text: string | undefined): boolean {
  if (text === undefined || text.trim() === "") return !isBodyNeeded;
  if (takes === undefined) return false;
  try {
    return takes(JSON.parse(text)) === true;
  } catch {
    return false;
  }
}

test.each([1, 2])(
  "every answer to requests of seed %p is by the document, and none is a bug",
  async (seed) => {
    const some = new RandomJson(random(seed));
    const statuses = new Map<string, number>();
    for (let n = 0; n < REQUESTS; n++) {
      const operation = some.pick(operations);
      const { method } = operation;
      const path = pathOf(operation, some);
      const body = textOf(operation, some);
      const what = `${n}: ${method} ${path.slice(0, 200)} ${body?.slice(0, 300)}`;
      const response = await fetch(`http://powermon${path}`, {
        method,
        unix: `${machine.stateDir}/control.sock`,
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(body !== undefined && method !== "GET" && { body }),
      }).catch((cause: unknown) => {
        throw new Error(`${what}: ${String(cause)}\n${daemon.log()}`);
      });
      const { status } = response;
      const answer: unknown = await response.json();
      statuses.set(`${status}`, (statuses.get(`${status}`) ?? 0) + 1);
      // A part that is another request's, or nobody's, is answered as such.
      const judge = operation.answers.get(status) ?? operation.answers.get(400);
      if (![404, 405].includes(status)) expect([...operation.answers.keys()], what).toContain(status);
      expect(
        judge?.(answer) === true ? undefined : { status, answer, wrong: judge?.errors },
        what,
      ).toBeUndefined();
      expect(JSON.stringify(answer), what).not.toContain("failed by a bug");
      if (status === 200 && method !== "GET") expect(isTaken(operation, body), what).toBe(true);
    }
    expect(statuses.get("200") ?? 0).toBeGreaterThan(REQUESTS / 8);
    expect(statuses.get("400") ?? 0).toBeGreaterThan(REQUESTS / 8);
  },
  WHOLE_MS,
);

test("after all of that it ends as ever, and puts everything back", async () => {
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(daemon.log()).not.toMatch(/\bbug\b/i);
  expect(cpus()).toEqual(before);
});

test("every event that was told meanwhile is by the document, and none is missing", async () => {
  await listening;
  expect(new Set(events.map(({ event }) => event)).size).toBeGreaterThan(5);
  const [first] = events;
  for (const [i, event] of events.entries()) {
    const judge = at("components", "schemas", `Event.${event.event}`);
    expect(judge(event) === true ? undefined : { event, wrong: judge.errors }).toBeUndefined();
    expect(event.n).toBe((first?.n ?? 0) + i);
  }
});
