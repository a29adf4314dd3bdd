import { expect, test } from "bun:test";
import { openSession, type Question, type Session } from "../../internal/guest/session.ts";
import { encodeCapsList, encodeFreqList } from "../../internal/packet/reply.ts";
import { encodeNotice } from "../../internal/packet/notice.ts";
import { until } from "../helpers/until.ts";
import { answer, extensionAnswer, type FakeHost, fakeHost, type Script } from "./fake-host.ts";

const UP: Question = { kind: "scale", vcpu: 3, vmName: "vm1", physical: false, step: "up" };
const FREQ: Question = { kind: "query-freq", all: true, vcpu: 0, vmName: "vm1", physical: false };
const CAPS: Question = { kind: "query-caps", all: true, vcpu: 0, vmName: "", physical: false };
/** Long enough that only a host that never answers meets it. */
const LONG_MS = 5000;
const SHORT_MS = 20;
const HEAD = { vcpu: 0, unit: 0, vmName: "" };
const SPEAKER = { vmName: "", timeoutMs: LONG_MS };

async function withHost(
  script: Script,
  use: (session: Session, host: FakeHost) => Promise<void>,
  greeting?: Uint8Array,
): Promise<void> {
  using host = fakeHost(script, greeting);
  const session = await openSession(host.port, SPEAKER);
  if (!session.ok) throw new Error(session.error.kind);
  try {
    await use(session.value, host);
  } finally {
    session.value.close();
  }
}

test("openSession() says CONNECT first, zeroed but for its command", async () => {
  await withHost(
    (send, frame) => send(answer(frame, true)),
    async (session, host) => {
      await session.ask(UP, LONG_MS);
      const connect = new Uint8Array(464);
      connect[12] = 2;
      expect(host.frames[0]).toEqual(connect);
      expect(host.requests()).toEqual([{ kind: "connect" }, UP]);
    },
  );
});

test.each([
  [true, { ok: true, value: { kind: "ack", vcpu: 3, vmName: "vm1", unit: 1 } }],
  [false, { ok: false, error: { kind: "refused", vcpu: 3 } }],
])("ask() tells ACK from NACK: %p", async (yes, outcome) => {
  await withHost(
    (send, frame) => send(answer(frame, yes)),
    async (session) => expect(await session.ask(UP, LONG_MS)).toMatchObject(outcome),
  );
});

test("ask() returns the lists a host sends, whatever else stands in their head", async () => {
  const freq = encodeFreqList({ vcpu: 77, unit: 9, vmName: "x", khz: [1_200_000, 0] }).fill(0xee, 16, 48);
  const caps = encodeCapsList({ ...HEAD, caps: [{ turbo: true, priority: false }] });
  await withHost(
    (send, _frame, nth) => send(nth === 0 ? freq : caps),
    async (session) => {
      expect(await session.ask(FREQ, LONG_MS)).toMatchObject({
        value: { kind: "freq-list", khz: [1_200_000, 0], count: 2 },
      });
      expect(await session.ask(CAPS, LONG_MS)).toMatchObject({
        value: { kind: "caps-list", caps: [{ turbo: true, priority: false }] },
      });
    },
  );
});

test.each([
  [UP, "scale"],
  [FREQ, "query"],
] as const)("ask() gives up after its deadline when nobody answers: %#", async (question, asked) => {
  await withHost(
    () => {},
    async (session, host) => {
      const started = performance.now();
      expect(await session.ask(question, SHORT_MS)).toEqual({
        ok: false,
        error: { kind: "no-answer", port: host.port, asked, timeoutMs: SHORT_MS },
      });
      expect(performance.now() - started).toBeGreaterThanOrEqual(SHORT_MS);
    },
  );
});

test.each([FREQ, CAPS])("ask() does not take an ACK for what a query asked: %#", async (question) => {
  await withHost(
    (send, frame) => send(answer(frame, true)),
    async (session) =>
      expect(await session.ask(question, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } }),
  );
});

test("ask() never takes a late answer for the next one, though both ask the same", async () => {
  let late: Uint8Array = new Uint8Array(0);
  await withHost(
    (send, frame, nth) => {
      if (nth === 0) late = answer(frame, true);
      else send(Buffer.concat([late, answer(frame, false)]));
    },
    async (session) => {
      expect(await session.ask(UP, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ error: { kind: "refused" } });
    },
  );
});

test("ask() does not take a late answer alone", async () => {
  let late: Uint8Array = new Uint8Array(0);
  await withHost(
    (send, frame, nth) => {
      if (nth === 0) late = answer(frame, true);
      else send(late);
    },
    async (session) => {
      await session.ask(UP, SHORT_MS);
      expect(await session.ask(UP, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
    },
  );
});

test("ask() drops what an earlier program left unread, answers of the same kind included", async () => {
  const stale = encodeCapsList({ ...HEAD, caps: [{ turbo: true, priority: true }] });
  await withHost(
    (send, frame) => send(answer(frame, false)),
    async (session) => expect(await session.ask(UP, LONG_MS)).toMatchObject({ error: { kind: "refused" } }),
    Buffer.concat([stale, stale]),
  );
});

test("ask() waits for the answer's last byte, however it is cut", async () => {
  await withHost(
    (send, frame) => {
      const bytes = answer(frame, true);
      const piece = (from: number): void => {
        send(bytes.slice(from, from + 29));
        if (from + 29 < bytes.length) setImmediate(piece, from + 29);
      };
      piece(0);
    },
    async (session) => expect(await session.ask(UP, LONG_MS)).toMatchObject({ ok: true }),
  );
});

test("ask() takes nothing from garbage, and hears the next answer", async () => {
  await withHost(
    (send, frame, nth) => send(nth === 0 ? new Uint8Array(1000).fill(0xff) : answer(frame, true)),
    async (session) => {
      expect(await session.ask(UP, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ ok: true });
    },
  );
});

test("ask() takes what follows a long silence as the start of an answer, half a one before or not", async () => {
  await withHost(
    (send, frame, nth) => send(nth === 0 ? answer(frame, true).slice(0, 200) : answer(frame, true)),
    async (session) => {
      expect(await session.ask(UP, 150)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ ok: true });
    },
  );
});

test("ask() says that the host went when it hangs up instead of answering", async () => {
  await withHost(
    (_send, _frame, _nth, hangUp) => hangUp(),
    async (session) => {
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ error: { kind: "absent-host" } });
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ error: { kind: "absent-host" } });
    },
  );
});

test("ask() refuses to ask two things at a time", async () => {
  await withHost(
    (send, frame) => send(answer(frame, true)),
    async (session) => {
      const first = session.ask(UP, LONG_MS);
      expect(session.ask(UP, LONG_MS)).rejects.toThrow("one thing at a time");
      expect(await first).toMatchObject({ ok: true });
    },
  );
});

const HELLO = { do: "hello", version: 1, leaseS: 10 } as const;
const AGREED = { do: "hello", version: 1, leaseS: 10, vcpus: 2 } as const;

test("say() returns the answer that has its sequence, and none of another", async () => {
  let first: Uint8Array = new Uint8Array(0);
  await withHost(
    (send, frame, nth) => {
      if (nth === 0) first = extensionAnswer(frame, { ...AGREED, leaseS: 1 });
      else send(Buffer.concat([first, extensionAnswer(frame, AGREED)]));
    },
    async (session) => {
      expect(await session.say(HELLO, 0, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.say(HELLO, 0, LONG_MS)).toEqual({ ok: true, value: AGREED });
    },
  );
});

test("say() finds its answer behind a notice, which is handed on once somebody takes it", async () => {
  const notice = { do: "host-awake", sleptS: 5 } as const;
  await withHost(
    (send, frame) => send(Buffer.concat([encodeNotice("vm1", notice), extensionAnswer(frame, AGREED)])),
    async (session) => {
      const heard: unknown[] = [];
      expect(await session.say(HELLO, 0, LONG_MS)).toEqual({ ok: true, value: AGREED });
      session.onNotice = (said) => heard.push(said);
      expect(await session.say(HELLO, 0, LONG_MS)).toEqual({ ok: true, value: AGREED });
      expect(heard).toEqual([notice]);
    },
  );
});

test.each([
  ["turbo-off", { kind: "refused", vcpu: 3, text: "Why." }],
  ["failed", { kind: "host-failed", text: "Why." }],
  ["unknown-command", { kind: "host-too-old" }],
  ["no-meter", { kind: "no-meter", text: "Why." }],
  ["no-hello", { kind: "not-understood", text: "Why." }],
] as const)("say() tells the host's no: %s", async (no, error) => {
  await withHost(
    (send, frame) => send(extensionAnswer(frame, { do: "no", no, text: "Why." })),
    async (session) =>
      expect(await session.say({ do: "ping" }, 3, LONG_MS)).toMatchObject({ ok: false, error }),
  );
});

test("say() gives up on a host that ignores the extension, which then answers v1", async () => {
  await withHost(
    (send, frame) => {
      if (frame[14] === 0) send(answer(frame, true));
    },
    async (session) => {
      expect(await session.say(HELLO, 0, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.ask(UP, LONG_MS)).toMatchObject({ ok: true });
    },
  );
});

test("ask() knows the answer to its policy, though the packet is full of MACs", async () => {
  const macs = Array.from({ length: 10 }, (_, i) => `52:54:00:00:00:0${i}`);
  const policy = {
    type: "traffic",
    vcpus: [0],
    macs,
    traffic: { min: 0, avg: 10, max: 20 },
    busyHours: [],
    quietHours: [],
    trafficHours: [],
    workload: "high",
    turbo: false,
  } as const;
  let late: Uint8Array = new Uint8Array(0);
  await withHost(
    (send, frame, nth) => {
      if (nth === 0) late = answer(frame, true);
      else send(Buffer.concat([late, answer(frame, false)]));
    },
    async (session, host) => {
      const question = { kind: "policy", vcpu: 0, vmName: "", physical: false, policy } as const;
      expect(await session.ask(question, SHORT_MS)).toMatchObject({ error: { kind: "no-answer" } });
      expect(await session.ask(question, LONG_MS)).toMatchObject({ error: { kind: "refused" } });
      expect(host.requests()[1]).toMatchObject({ kind: "policy", policy: { macs } });
      const removal = { kind: "policy-remove", vcpu: 0, vmName: "", physical: false } as const;
      expect(session.tell(removal)).toMatchObject({ ok: true });
      await until("the removal arrives", () => host.requests().at(-1)?.kind === "policy-remove");
    },
  );
});
