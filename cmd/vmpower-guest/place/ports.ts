// Requests through the ports themselves: what is left when no agent holds them.

import type { GuestFailure } from "../../../internal/guest/failure.ts";
import { listPorts, portPath } from "../../../internal/guest/port.ts";
import { scaleOrWhy } from "../../../internal/guest/reason.ts";
import { openSession, type Session, type Speaker } from "../../../internal/guest/session.ts";
import { type Lists, listVcpus } from "../../../internal/guest/vcpu-list.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import { type GuestPolicy, MAX_V1_VCPUS } from "../../../internal/values/request.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";
import { type PlaceWords, DONE_ENDING, endingOf, portOf } from "../channel.ts";
import type { Listed, Place, Row } from "./place.ts";

/** The place behind this VM's ports. */
export class PortsPlace implements Place {
  readonly env = "kvm-vm";
  readonly agent = false;
  readonly why: string;
  readonly #channel: PlaceWords;

  constructor(channel: PlaceWords, why: string) {
    this.#channel = channel;
    this.why = why;
  }

  scale(step: Step, vcpus: readonly number[]): Promise<readonly Row[]> {
    return this.#each(vcpus, (session, vcpu) => scaleOrWhy(session, vcpu, step, this.#channel));
  }

  /** v1 has no word for this. */
  release(vcpus: readonly number[]): Promise<readonly Row[]> {
    return this.#each(vcpus, async (session, vcpu) => {
      const agreed = await session.hello(vcpu);
      if (agreed.ok) return await session.say({ do: "release", all: false }, vcpu);
      return agreed.error.kind === "no-answer" ? err({ ...agreed.error, kind: "v1-only" }) : agreed;
    });
  }

  async list<K extends keyof Lists>(kind: K, vcpus: "all" | readonly number[]): Promise<Listed<Lists[K]>> {
    const { vmName } = this.#channel;
    const port = this.#channel.port ?? this.#firstPort(vcpus);
    const more = vcpus === "all" || vcpus.some((vcpu) => vcpu >= MAX_V1_VCPUS);
    const listed = await use(port, this.#channel, (session) => listVcpus(session, kind, vmName, more));
    return listed.ok
      ? { port, ...DONE_ENDING, ...listed.value }
      : { port, ...endingOf(listed.error), count: 0, entries: [] };
  }

  async policy(policy: GuestPolicy | undefined) {
    const { vmName } = this.#channel;
    const port = this.#channel.port ?? this.#firstPort("all");
    const head = { vcpu: 0, vmName, physical: false } as const;
    const done = await use<unknown>(port, this.#channel, async (session) => {
      const named = vmName === "" ? await session.hello(0) : ok(undefined);
      if (!named.ok) return named.error.kind === "no-answer" ? err({ kind: "no-name", port }) : named;
      return policy === undefined
        ? session.tell({ kind: "policy-remove", ...head })
        : await session.ask({ kind: "policy", ...head, policy });
    });
    return { port, ...(done.ok ? DONE_ENDING : endingOf(done.error)) };
  }

  async energy() {
    const port = this.#channel.port ?? this.#firstPort("all");
    const done = await use(port, this.#channel, async (session) => {
      const agreed = await session.hello(0);
      if (!agreed.ok) return agreed.error.kind === "no-answer" ? err({ kind: "host-too-old", port }) : agreed;
      return await session.say({ do: "energy" }, 0);
    });
    if (!done.ok) return { port, ...endingOf(done.error), used: undefined };
    const { do: _, ...used } = done.value;
    return { port, ...DONE_ENDING, used };
  }

  close(): void {}

  /** Asks for each vCPU through its own port at once, or in turn through the one given for everything. */
  async #each(
    vcpus: readonly number[],
    ask: (session: Session, vcpu: number) => Promise<Result<unknown, GuestFailure>>,
  ): Promise<readonly Row[]> {
    const channel = this.#channel;
    const through = async (port: string, some: readonly number[]): Promise<readonly Row[]> => {
      const rows: Row[] = [];
      const opened = await use(port, channel, async (session) => {
        for (const vcpu of some) {
          const done = await ask(session, vcpu);
          rows.push({ vcpu, port, ...(done.ok ? DONE_ENDING : endingOf(done.error)) });
        }
        return ok(undefined);
      });
      return opened.ok ? rows : some.map((vcpu) => ({ vcpu, port, ...endingOf(opened.error) }));
    };
    if (channel.port !== undefined) return await through(channel.port, vcpus);
    return (await Promise.all(vcpus.map((vcpu) => through(portOf(vcpu, channel), [vcpu])))).flat();
  }

  /** Returns the port of the first wanted vCPU that has one. */
  #firstPort(vcpus: "all" | readonly number[]): string {
    const { portDir } = this.#channel;
    const there = listPorts(portDir);
    const first = vcpus === "all" ? there[0] : (vcpus.find((n) => there.includes(n)) ?? vcpus[0]);
    return portPath(first ?? 0, portDir);
  }
}

/** Opens `port`, uses it and closes it again. */
export async function use<T>(
  port: string,
  speaker: Speaker,
  ask: (session: Session) => Promise<Result<T, GuestFailure>>,
): Promise<Result<T, GuestFailure>> {
  const session = await openSession(port, speaker);
  if (!session.ok) return session;
  try {
    return await ask(session.value);
  } finally {
    session.value.close();
  }
}
