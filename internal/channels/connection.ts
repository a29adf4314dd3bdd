// One connection of a guest, from connect to close: bytes in, whole replies out. All that it gathers ends with it.

import type { Socket } from "bun";
import { refuseCommand } from "../claims/authorize.ts";
import type { Claimant } from "../claims/claim.ts";
import { Lease } from "../claims/lease.ts";
import { isPastRoom } from "../os/descriptors.ts";
import { atSocketFile } from "../os/unix-socket.ts";
import { encodeNotice } from "../packet/notice.ts";
import { acknowledge } from "../packet/reply.ts";
import { RequestDecoder } from "../packet/request.ts";
import type { Notice } from "../values/extension.ts";
import { explain } from "../values/refusal.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import type { ChannelCounts, Framing } from "./channel-counts.ts";
import { endClaims } from "./end-claims.ts";
import { Intake, type Server } from "./intake.ts";
import type { ChannelHost, Line } from "./line.ts";
import type { Peer } from "./peer.ts";
import { Outbox } from "./outbox.ts";
import type { Outcome } from "./outcome.ts";
import { refuse, serve } from "./serve/index.ts";
import type { Caller } from "./serve/serve.ts";
import type { Vm } from "./vm.ts";
import { wordOf } from "./vm-meter.ts";

export class Connection implements Caller, Peer, Framing, Server {
  readonly vm: Vm;
  readonly path: string;
  readonly lease = new Lease();
  readonly claimant: Claimant & { gone: boolean };
  readonly #line: Line;
  readonly #host: ChannelHost;
  readonly #counts: ChannelCounts;
  readonly #intake: Intake;
  readonly #decoder = new RequestDecoder();
  #socket: Socket<Connection> | undefined;
  #outbox: Outbox | undefined;
  /** When the guest was last heard, performance.now(); 0 before. */
  #heardAt = 0;
  /** Whether something may stand of what the guest said. */
  #spoke = false;
  /** What was told of dropped and resyncs. */
  #healed = 0;

  constructor(line: Line, host: ChannelHost) {
    const { vm } = line;
    this.vm = vm;
    this.path = line.path;
    this.#line = line;
    this.#host = host;
    this.#counts = line.counts;
    this.#intake = new Intake(vm.party, host.turns, vm.settings.wire, this);
    this.claimant = {
      slot: "guest",
      by: "guest",
      gone: false,
      // Who may not ask for turbo does not get it unasked.
      get turbo() {
        return refuseCommand(vm, "turbo-on") === undefined;
      },
      limitsIn: (domain) => vm.limitsIn(domain),
    };
  }

  /** The socket's descriptor. Source: Bun's Socket has one that its types don't tell of. */
  get fd(): number | undefined {
    return this.#socket && fdOf(this.#socket);
  }

  /** The guest's DPDK generation, once it has told. */
  get generation(): string | undefined {
    return this.#intake.framing.generation;
  }

  get dropped(): number {
    return this.#intake.framing.dropped;
  }

  get resyncs(): number {
    return this.#intake.framing.resyncs;
  }

  get discardedBytes(): number {
    return this.#intake.framing.discardedBytes;
  }

  /** Whether the guest has said anything. */
  get heard(): boolean {
    return this.#heardAt > 0;
  }

  /** Connects; the channel is told what comes of it, unless end() comes first. */
  open(): void {
    // The kernel looks the address up before connect() returns.
    const connected = atSocketFile(this.path, (unix) => {
      Bun.connect({ unix, socket: HANDLERS, data: this }).catch(() => {
        // connectError told the reason.
      });
    });
    if (!connected.ok) this.failed(Object.assign(new Error(), { code: connected.error }));
  }

  /** Takes back all that the guest wished and ends the connection: nothing that still comes of it is taken. */
  end(): void {
    if (this.claimant.gone) return;
    this.claimant.gone = true;
    this.#intake.end();
    this.vm.disconnected(this);
    this.withdraw();
    this.#socket?.end();
  }

  opened(socket: Socket<Connection>): void {
    if (this.claimant.gone) return void socket.end();
    if (isPastRoom(fdOf(socket), "guest")) {
      socket.end();
      return this.failed(Object.assign(new Error(), { code: "EMFILE" }));
    }
    this.#socket = socket;
    this.#intake.opened(socket);
    this.#outbox = new Outbox(socket, this.#counts);
    this.vm.connected(this);
    this.#line.opened();
  }

  received(chunk: Uint8Array): void {
    if (this.claimant.gone) return;
    const now = performance.now();
    this.#heardAt = now;
    this.#spoke = true;
    this.#intake.received(chunk, now);
  }

  portion(requests: number, atMs: number, done: boolean): void {
    if (done) this.#outbox?.flush();
    else this.#outbox?.send();
    if (requests > 0) this.#host.durations.observe(performance.now() - atMs, requests);
    const healed = this.dropped + this.resyncs;
    if (healed !== this.#healed) this.#tellHealed(healed);
  }

  #tellHealed(healed: number): void {
    this.#healed = healed;
    const { name, framing } = this.#line;
    const message = "Stream out of step; bytes discarded";
    const fields = {
      channel: name,
      dropped: framing.dropped,
      resyncs: framing.resyncs,
      discardedBytes: framing.discardedBytes,
    };
    this.#host.events.emit("channel-out-of-step", fields);
    this.#host.log.warnFolded(`${name} framing`, message, fields);
  }

  closed(): void {
    if (this.#socket !== undefined && !this.claimant.gone) this.#line.lost();
  }

  failed(error: Error): void {
    if (!this.claimant.gone) this.#line.failed(error);
  }

  drained(): void {
    this.#outbox?.drained();
  }

  /** Takes back every wish that was made through this connection, and the policy that was given. */
  withdraw(): void {
    this.#spoke = false;
    this.#failures(endClaims(this.#host.desk, this.claimant));
  }

  /**
   * Takes back all that the guest wished before its VM was reset. What it sent then and waits in line, here and in the kernel, would be
   * taken for the next boot's: the connection ends with it, and the channel is connected anew.
   */
  rebooted(): void {
    if (this.claimant.gone) return;
    if (this.#intake.waits) this.#line.lost();
    else this.withdraw();
  }

  /** Lets the claims of a guest that fell silent fall back to what stood before them. */
  lapse(): void {
    this.#failures(this.lease.lapse(this.#host.desk.ledger, this.claimant, this.vm.vm));
  }

  /** Returns whether something may stand of a guest that has been silent for its VM's `lease_s`. */
  isSilent(nowMs: number): boolean {
    const { leaseS } = this.vm.settings;
    return this.#spoke && leaseS > 0 && nowMs - this.#heardAt >= leaseS * 1000;
  }

  /** Says `notice` to a guest that asked for notices; it is dropped when that doesn't read. */
  notice(notice: Notice): void {
    if (!this.lease.isTold(performance.now())) return;
    this.#outbox?.put(encodeNotice(this.vm.wireName, notice));
    this.#outbox?.flush();
  }

  #failures(failed: readonly SysfsError[]): void {
    for (const error of failed) this.#host.log.error(explainSysfs(error), { channel: this.#line.name });
  }

  frame(frame: Uint8Array, atMs: number): boolean {
    const counts = this.#counts;
    counts.received++;
    if (!this.#line.enabled) {
      counts.ignored++;
      return false;
    }
    const over = this.vm.overRate(atMs);
    const request = this.#decoder.decode(frame);
    if (request.kind === "malformed") {
      counts.malformed++;
      if (request.why === "unknown-command") this.vm.meter.unknown(request.command);
      this.#tellMalformed(request.why, request.detail);
      // A guest that sends a policy waits for an answer, and this one is no.
      if (request.why === "bad-policy") this.#acknowledge(frame, false);
      return false;
    }
    const outcome = over ? refuse(this, request, over) : serve(this.#host.desk, this, request);
    counts[outcome.kind]++;
    this.vm.meter.served(request, outcome);
    if (outcome.kind !== "done" || this.#host.log.debugs) {
      this.#tell(wordOf(request), request.kind === "connect" ? 0 : request.vcpu, outcome);
    }
    this.#reply(frame, outcome);
    return true;
  }

  #reply(frame: Uint8Array, outcome: Outcome): void {
    if ("reply" in outcome && outcome.reply !== undefined) this.#outbox?.put(outcome.reply);
    else if (outcome.kind === "refused" ? !outcome.silent : outcome.kind !== "noted") {
      this.#acknowledge(frame, outcome.kind === "done");
    }
  }

  /** Guests older than 18.11 know no replies: they get none. */
  #acknowledge(frame: Uint8Array, yes: boolean): void {
    if (this.generation === "18.11") this.#outbox?.put(acknowledge(frame, yes));
  }

  #tellMalformed(why: string, message: string): void {
    const { log, events } = this.#host;
    const { name: channel } = this.#line;
    events.emit("request-malformed", { channel, why, message });
    log.warnFolded(`${channel} ${why}`, `Not served: ${message}`, { channel });
  }

  /** @param word what was asked, as the metrics have it */
  #tell(word: string, vcpu: number, outcome: Outcome): void {
    const { log, events } = this.#host;
    const { name } = this.#line;
    const fields = { channel: name, request: word };
    switch (outcome.kind) {
      case "refused": {
        const message = explain(outcome.refusal);
        this.vm.refused(vcpu, outcome.refusal);
        events.emit("request-refused", { ...fields, vcpu, why: outcome.refusal.kind, message });
        return log.warnFolded(`${name} ${outcome.refusal.kind}`, message, fields);
      }
      case "failed": {
        const message = explainSysfs(outcome.error);
        events.emit("request-failed", { ...fields, vcpu, message });
        return log.warnFolded(`${name} ${message}`, message, fields);
      }
      default:
        return log.debug("Served", { ...fields, outcome: outcome.kind });
    }
  }
}

const fdOf = (socket: object): number | undefined => (socket as { readonly fd?: number }).fd;

const HANDLERS = {
  open: (socket: Socket<Connection>) => socket.data.opened(socket),
  data(socket: Socket<Connection>, chunk: Uint8Array) {
    try {
      socket.data.received(chunk);
    } catch (bug) {
      raise(bug);
    }
  },
  close: (socket: Socket<Connection>) => socket.data.closed(),
  end: (socket: Socket<Connection>) => void socket.end(),
  error: (_socket: Socket<Connection>, error: Error) => raise(error),
  connectError: (socket: Socket<Connection>, error: Error) => socket.data.failed(error),
  drain: (socket: Socket<Connection>) => socket.data.drained(),
};

/** Throws where nobody catches it: Bun gives what a handler throws to the socket, where a bug would pass for a lost connection. */
function raise(bug: unknown): void {
  setImmediate(() => {
    throw bug;
  });
}
