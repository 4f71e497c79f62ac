/**
 * The snapshots that are being received: at most one per sender, whichever way it comes. A sender that begins again has
 * given up what it sent before, even if this side did not notice yet.
 */
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import { SnapshotError } from '../../errors.ts';
import type { TimerHandle } from '../../ports/clock.ts';
import type { InboundHandler, SnapshotHeader, SnapshotSink } from '../../ports/network.ts';
import type { SystemPorts } from './system-ports.ts';

/** A snapshot that is being received. Writes come one after the other. */
export class IncomingSnapshot {
  readonly id: string;
  readonly #sink: SnapshotSink;
  readonly #sizeBytes: number;
  #offsetBytes: number;
  #finishing: Promise<unknown> | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #isEnded = false;

  constructor(header: SnapshotHeader, sink: SnapshotSink) {
    this.id = header.snapshot.meta.id;
    this.#sink = sink;
    this.#sizeBytes = header.snapshot.sizeBytes;
    this.#offsetBytes = sink.offsetBytes;
  }

  /** Everything before this is here; the sender goes on from it. */
  get offsetBytes(): number {
    return this.#offsetBytes;
  }

  /** Runs one piece of work after the other, so that a repeated piece finds the offset already moved. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return await done;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#requireActive();
    if (this.#offsetBytes + piece.byteLength > this.#sizeBytes) {
      throw new SnapshotError(`snapshot ${this.id} has more than the announced ${this.#sizeBytes} bytes`);
    }
    await this.#sink.write(piece);
    this.#offsetBytes += piece.byteLength;
  }

  /** Resolves with the answer for the sender. Goes on to its end even if the sender is gone. */
  async finish(): Promise<Message> {
    this.#requireActive();
    this.#isEnded = true;
    const finishing = this.#sink.finish();
    this.#finishing = finishing;
    try {
      return await finishing;
    } catch (error) {
      await this.#sink.abort();
      throw error;
    }
  }

  /** What arrived is kept for a resumption. Safe at any time; lets a `finish` that is under way end. */
  async abort(): Promise<void> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      await this.#sink.abort();
    }
    await this.#finishing;
  }

  #requireActive(): void {
    if (this.#isEnded) {
      throw new SnapshotError(`the reception of snapshot ${this.id} has ended; begin again`);
    }
  }
}

/** The snapshot to write to, or the answer of a node that does not want it. */
export type Begun = { readonly snapshot: IncomingSnapshot } | { readonly answer: Message };

interface Entry {
  snapshot: IncomingSnapshot | null;
  /** Ends when everything that was begun before is settled. */
  tail: Promise<unknown>;
  /** How many of those there are. */
  pending: number;
  idleTimer: TimerHandle | null;
}

export class SnapshotInbox {
  readonly #timers: SystemPorts['timers'];
  readonly #idleTimeoutMs: number;
  readonly #entries = new Map<NodeId, Entry>();

  constructor(options: { readonly timers: SystemPorts['timers']; readonly idleTimeoutMs: number }) {
    this.#timers = options.timers;
    this.#idleTimeoutMs = options.idleTimeoutMs;
  }

  /** Begins a snapshot of a sender, and ends the one before. */
  async begin(inbound: InboundHandler, from: NodeId, header: SnapshotHeader): Promise<Begun> {
    return await this.#inTurn(from, async (entry) => await this.#begin(entry, { inbound, from, header }));
  }

  /** Goes on with the snapshot that the sender has not finished yet, if it is this one; begins it otherwise. */
  async resume(inbound: InboundHandler, from: NodeId, header: SnapshotHeader): Promise<Begun> {
    return await this.#inTurn(from, async (entry) => {
      if (entry.snapshot?.id !== header.snapshot.meta.id) {
        return await this.#begin(entry, { inbound, from, header });
      }
      entry.idleTimer?.cancel();
      return { snapshot: entry.snapshot };
    });
  }

  async #inTurn(from: NodeId, work: (entry: Entry) => Promise<Begun>): Promise<Begun> {
    const entry = this.#entryOf(from);
    const begun = entry.tail.then(async () => await work(entry));
    entry.pending += 1;
    entry.tail = begun.catch(() => undefined);
    try {
      return await begun;
    } finally {
      entry.pending -= 1;
      this.#forget(from, entry);
    }
  }

  async #begin(
    entry: Entry,
    { inbound, from, header }: { inbound: InboundHandler; from: NodeId; header: SnapshotHeader },
  ): Promise<Begun> {
    await this.#end(entry);
    const reception = await inbound.receiveSnapshot(from, header);
    if (!reception.accept) {
      return { answer: reception.response };
    }
    const snapshot = new IncomingSnapshot(header, reception.sink);
    entry.snapshot = snapshot;
    return { snapshot };
  }

  /** The sender gave up this snapshot, if it is the one it was sending. */
  async giveUp(from: NodeId, id: string): Promise<void> {
    const snapshot = this.#entries.get(from)?.snapshot ?? null;
    if (snapshot?.id === id) {
      await this.release(from, snapshot);
    }
  }

  /** Nothing more comes for it, good or bad. */
  async release(from: NodeId, snapshot: IncomingSnapshot): Promise<void> {
    const entry = this.#entries.get(from);
    if (entry?.snapshot === snapshot) {
      entry.snapshot = null;
      entry.idleTimer?.cancel();
      this.#forget(from, entry);
    }
    await snapshot.abort();
  }

  /** Gives a snapshot up if its next piece does not come in time. For senders whose end nobody would notice. */
  expectMore(from: NodeId, snapshot: IncomingSnapshot): void {
    const entry = this.#entries.get(from);
    if (entry?.snapshot !== snapshot) {
      return;
    }
    entry.idleTimer?.cancel();
    entry.idleTimer = this.#timers.setTimer(this.#idleTimeoutMs, () => {
      this.release(from, snapshot).catch(() => undefined);
    });
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(async (entry) => await this.#end(entry)));
  }

  #entryOf(from: NodeId): Entry {
    const entry = this.#entries.get(from) ?? { snapshot: null, tail: Promise.resolve(), pending: 0, idleTimer: null };
    this.#entries.set(from, entry);
    return entry;
  }

  #forget(from: NodeId, entry: Entry): void {
    if (entry.pending === 0 && entry.snapshot === null && this.#entries.get(from) === entry) {
      this.#entries.delete(from);
    }
  }

  async #end(entry: Entry): Promise<void> {
    const { snapshot } = entry;
    entry.snapshot = null;
    entry.idleTimer?.cancel();
    // Whatever goes wrong with the old stream, the new one may begin.
    await snapshot?.abort().catch(() => undefined);
  }
}
