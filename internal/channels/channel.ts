// One guest channel: bytes in, whole replies out, and it comes back by itself when its VM does.

import type { Socket } from "bun";
import { codeOf } from "../os/error-code.ts";
import type { Notice } from "../values/extension.ts";
import type { Log } from "../log.ts";
import type { Histogram } from "../metrics/histogram.ts";
import { FrameCutter } from "../packet/frame.ts";
import { encodeNotice } from "../packet/notice.ts";
import { acknowledge } from "../packet/reply.ts";
import { RequestDecoder } from "../packet/request.ts";
import { explain } from "../values/refusal.ts";
import { explainSysfs } from "../values/sysfs-error.ts";
import { newCounts } from "./channel-counts.ts";
import type { Claimant } from "../claims/claim.ts";
import type { EventFeed } from "../events.ts";
import { Lease } from "../claims/lease.ts";
import { Outbox } from "./outbox.ts";
import type { Outcome } from "./outcome.ts";
import { type Desk, refuse, serve } from "./serve/index.ts";
import type { Vm } from "./vm.ts";

/** First and longest wait before a lost channel is tried again, ms. */
const BACKOFF_MS = { first: 100, most: 5000 };

export type ChannelState = "connecting" | "connected" | "waiting" | "closed";

/** What a channel needs of the host. */
export interface ChannelHost {
  readonly desk: Desk;
  readonly log: Log;
  readonly events: EventFeed;
  /** From received to answered. */
  readonly durations: Histogram;
  /** Told when a VM came, went or is configured anew. */
  vmChanged(vm: string): void;
}

export class Channel {
  readonly path: string;
  readonly vm: Vm;
  /** The channel's number: the guest's lcore. */
  readonly index: number;
  readonly counts = newCounts();
  /** What its guest agreed with HELLO. */
  readonly lease = new Lease();
  /** On whose behalf this channel's guest wishes. */
  readonly claimant: Claimant;
  state: ChannelState = "connecting";
  /** While false, packets are read and ignored. */
  enabled = true;
  /** When the guest was last heard, performance.now(). */
  heardAt = 0;
  readonly #host: ChannelHost;
  readonly #name: string;
  #cutter: FrameCutter;
  /** What the cutters of earlier connections have counted. */
  readonly #healed = { dropped: 0, resyncs: 0 };
  #decoder = new RequestDecoder();
  #socket: Socket<Channel> | undefined;
  #connection: { readonly fd: number; readonly path: string } | undefined;
  #outbox: Outbox | undefined;
  /** Requests of the chunk at hand. */
  #served = 0;
  #backoffMs = BACKOFF_MS.first;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #onFrame = (frame: Uint8Array): void => this.#frame(frame);

  constructor(path: string, vm: Vm, index: number, host: ChannelHost) {
    this.path = path;
    this.vm = vm;
    this.index = index;
    this.#host = host;
    this.#name = `${vm.vm}.${index}`;
    this.claimant = {
      slot: "guest",
      by: "guest",
      owner: this,
      limitsIn: (domain) => vm.limitsIn(domain),
      lease: this.lease,
    };
    this.#cutter = new FrameCutter(vm.settings.wire);
  }

  /** Frames given up because they stayed incomplete, and times the framing was started anew. */
  get framing(): { readonly dropped: number; readonly resyncs: number } {
    return {
      dropped: this.#healed.dropped + this.#cutter.dropped,
      resyncs: this.#healed.resyncs + this.#cutter.resyncs,
    };
  }

  /** The guest's DPDK generation, once it has told. */
  get generation(): string | undefined {
    return this.#cutter.generation;
  }

  /** Connects now and again whenever the connection is lost, until close(). */
  open(): void {
    this.state = "connecting";
    Bun.connect({ unix: this.path, socket: HANDLERS, data: this }).catch(() => {
      // connectError told the reason.
    });
  }

  /** Ends the connection, withdraws the channel's claims and stays closed. */
  close(): void {
    this.state = "closed";
    clearTimeout(this.#retry);
    this.#lost();
    this.#socket?.end();
    this.#socket = undefined;
  }

  opened(socket: Socket<Channel>): void {
    if (this.state === "closed") return void socket.end();
    this.state = "connected";
    this.counts.connects++;
    this.#socket = socket;
    this.#healed.dropped += this.#cutter.dropped;
    this.#healed.resyncs += this.#cutter.resyncs;
    this.#cutter = new FrameCutter(this.vm.settings.wire);
    this.#decoder = new RequestDecoder();
    this.#outbox = new Outbox(socket, this.counts);
    this.lease.reset();
    const fd = (socket as unknown as { readonly fd?: number }).fd;
    this.#connection = fd === undefined ? undefined : { fd, path: this.path };
    if (this.#connection !== undefined) this.vm.connected(this.#connection);
    this.#host.log.info("Channel connected", { channel: this.#name });
    this.#host.events.emit("channel-connected", { channel: this.#name });
  }

  received(chunk: Uint8Array): void {
    this.#backoffMs = BACKOFF_MS.first;
    this.heardAt = performance.now();
    const healed = this.#cutter.dropped + this.#cutter.resyncs;
    this.#served = 0;
    this.#cutter.push(chunk, this.heardAt, this.#onFrame);
    this.#outbox?.flush();
    if (this.#served > 0) this.#host.durations.observe(performance.now() - this.heardAt, this.#served);
    if (this.#cutter.dropped + this.#cutter.resyncs !== healed) {
      const message = "Stream out of step; bytes discarded until silence";
      const fields = { channel: this.#name, ...this.framing };
      this.#host.log.warnFolded(`${this.#name} framing`, message, fields);
    }
  }

  lost(socket: Socket<Channel>): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.state === "closed") return;
    this.#host.log.info("Channel lost", { channel: this.#name });
    this.#host.events.emit("channel-lost", { channel: this.#name });
    this.#lost();
    this.#again();
  }

  failed(error: Error): void {
    if (this.state === "closed") return;
    const message = `Cannot connect to "${this.path}": ${codeOf(error)}`;
    this.#host.log.warnFolded(`${this.#name} connect`, message, { channel: this.#name });
    this.#again();
  }

  drained(): void {
    this.#outbox?.drained();
  }

  /** Tries again at once: the socket file is new. */
  poke(): void {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retry);
    this.#backoffMs = BACKOFF_MS.first;
    this.open();
  }

  /** Takes back every wish that was made through this channel, and the policy that was given. */
  withdraw(): void {
    this.#host.desk.policies.removeOwner(this);
    for (const error of this.#host.desk.ledger.withdraw((claim) => claim.claimant.owner === this)) {
      this.#host.log.error(explainSysfs(error), { channel: this.#name });
    }
  }

  /** Lets the claims of a guest that fell silent fall back to what stood before them. */
  lapse(): void {
    for (const error of this.lease.lapse(this.#host.desk.ledger, this.claimant, this.vm.vm)) {
      this.#host.log.error(explainSysfs(error), { channel: this.#name });
    }
  }

  /** Says `notice` to a guest that asked for notices; it is dropped when that doesn't read. */
  notice(notice: Notice): void {
    if (this.state !== "connected" || !this.lease.isTold(performance.now())) return;
    this.#outbox?.put(encodeNotice(this.vm.wireName, notice));
    this.#outbox?.flush();
  }

  #again(): void {
    this.state = "waiting";
    this.#retry = setTimeout(() => this.open(), this.#backoffMs);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.most);
  }

  #lost(): void {
    if (this.#connection !== undefined) this.vm.disconnected(this.#connection);
    this.#connection = undefined;
    this.withdraw();
  }

  #frame(frame: Uint8Array): void {
    const { counts } = this;
    counts.received++;
    if (!this.enabled) {
      counts.ignored++;
      return;
    }
    const request = this.#decoder.decode(frame);
    if (request.kind === "malformed") {
      counts.malformed++;
      this.#host.log.warnFolded(`${this.#name} ${request.why}`, `Not served: ${request.detail}`, {
        channel: this.#name,
      });
      // A guest that sends a policy waits for an answer, and this one is no.
      if (request.why === "bad-policy") this.#acknowledge(frame, false);
      return;
    }
    const over = request.kind === "connect" ? undefined : this.vm.overRate(this.heardAt);
    const outcome = over
      ? refuse(this.vm, this.claimant, request, over)
      : serve(this.#host.desk, this.vm, this.claimant, request);
    counts[outcome.kind]++;
    this.vm.meter.served(request, outcome);
    if (outcome.kind !== "done" || this.#host.log.debugs) {
      this.#tell(request.kind, request.kind === "connect" ? 0 : request.vcpu, outcome);
    }
    this.#reply(frame, outcome);
    this.#served++;
  }

  #reply(frame: Uint8Array, outcome: Outcome): void {
    if ("reply" in outcome && outcome.reply !== undefined) this.#outbox?.put(outcome.reply);
    else if (outcome.kind === "refused" ? !outcome.silent : outcome.kind !== "noted") {
      this.#acknowledge(frame, outcome.kind === "done");
    }
  }

  /** Guests older than 18.11 know no replies: they get none. */
  #acknowledge(frame: Uint8Array, yes: boolean): void {
    if (this.#cutter.generation === "18.11") this.#outbox?.put(acknowledge(frame, yes));
  }

  #tell(kind: string, vcpu: number, outcome: Outcome): void {
    const { log, events } = this.#host;
    const fields = { channel: this.#name, request: kind };
    switch (outcome.kind) {
      case "refused": {
        const message = explain(outcome.refusal);
        this.vm.refused(vcpu, outcome.refusal);
        if (events.active)
          events.emit("request-refused", { ...fields, vcpu, why: outcome.refusal.kind, message });
        return log.warnFolded(`${this.#name} ${outcome.refusal.kind}`, message, fields);
      }
      case "failed": {
        const message = explainSysfs(outcome.error);
        if (events.active) events.emit("request-failed", { ...fields, vcpu, message });
        return log.warnFolded(`${this.#name} ${message}`, message, fields);
      }
      default:
        return log.debug("Served", { ...fields, outcome: outcome.kind });
    }
  }
}

const HANDLERS = {
  open: (socket: Socket<Channel>) => socket.data.opened(socket),
  data(socket: Socket<Channel>, chunk: Uint8Array) {
    try {
      socket.data.received(chunk);
    } catch (bug) {
      raise(bug);
    }
  },
  close: (socket: Socket<Channel>) => socket.data.lost(socket),
  end: (socket: Socket<Channel>) => void socket.end(),
  error: (_socket: Socket<Channel>, error: Error) => raise(error),
  connectError: (socket: Socket<Channel>, error: Error) => socket.data.failed(error),
  drain: (socket: Socket<Channel>) => socket.data.drained(),
};

/** Throws where nobody catches it: Bun gives what a handler throws to the socket, where a bug would pass for a lost connection. */
function raise(bug: unknown): void {
  setImmediate(() => {
    throw bug;
  });
}
