/** Streams the newest snapshot to peers that the log can't help any more. */
import type { LogIndex, NodeId, Term } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import { SnapshotError } from '../errors.ts';
import type { Clock, TimerHandle, Timers } from '../ports/clock.ts';
import type { PeerConnection } from '../ports/network.ts';
import type { SnapshotReader, SnapshotStore } from '../ports/snapshot-store.ts';
import { inPieces } from './pieces.ts';

export interface SnapshotSenderParts {
  readonly snapshotStore: SnapshotStore;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A transfer that makes no progress for so long is given up, ms. */
  readonly timeoutMs: number;
  /** Largest piece that is handed to the network. */
  readonly chunkBytes: number;
  readonly connection: (peer: NodeId) => PeerConnection | null;
  /** Makes a snapshot, although there may have been one of the same position. */
  readonly rebuild: () => Promise<unknown>;
  /** The log begins behind this index: a snapshot that ends before it helps nobody. */
  readonly purgedIndex: () => LogIndex;
  readonly post: (input: Input) => void;
  readonly onFailed: (peer: NodeId, error: unknown) => void;
}

export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  readonly #transfers = new Map<NodeId, AbortController>();

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
  }

  send(to: NodeId, term: Term, session: number): void {
    this.abort(to, 'a newer transfer replaces it');
    const controller = new AbortController();
    this.#transfers.set(to, controller);
    this.#transfer({ to, term, session, controller })
      .catch((error: unknown) => {
        // The end of one that was replaced says nothing about the one under way.
        if (this.#transfers.get(to) !== controller) return;
        this.#parts.onFailed(to, error);
        this.#parts.post({ type: 'snapshot-send-failed', to, session });
      })
      .finally(() => {
        if (this.#transfers.get(to) === controller) this.#transfers.delete(to);
      });
  }

  abort(to: NodeId, reason: string): void {
    this.#transfers.get(to)?.abort(new SnapshotError(`the snapshot transfer to node ${to} was stopped: ${reason}`));
  }

  abortAll(reason: string): void {
    for (const to of this.#transfers.keys()) this.abort(to, reason);
  }

  async #transfer(job: { to: NodeId; term: Term; session: number; controller: AbortController }): Promise<void> {
    const { to, term, session, controller } = job;
    const connection = this.#parts.connection(to);
    if (connection === null) throw new SnapshotError(`there is no line to node ${to}`);
    const reader = await this.#latest();
    const progress = this.#watchProgress(to);
    try {
      const { snapshot } = reader;
      const header = { offer: { term, session, meta: snapshot.meta }, snapshot };
      const { chunkBytes } = this.#parts;
      const chunks = (fromOffset: number): AsyncIterable<Uint8Array> => inPieces(reader.chunks(fromOffset), chunkBytes);
      const options = { signal: controller.signal, onProgress: progress.note };
      const message = await connection.sendSnapshot(header, chunks, options);
      this.#parts.post({ type: 'message', from: to, message, token: 0 });
    } finally {
      progress.stop();
      await reader.close();
    }
  }

  async #latest(): Promise<SnapshotReader> {
    const stored = await this.#usable();
    if (stored !== null) return stored;
    await this.#parts.rebuild();
    const built = await this.#usable();
    if (built === null) throw new SnapshotError('there is no snapshot that reaches the log, and none could be built');
    return built;
  }

  /** The stored one may have been found damaged, or be older than what the log was purged to. */
  async #usable(): Promise<SnapshotReader | null> {
    const { snapshotStore, purgedIndex } = this.#parts;
    const reader = await snapshotStore.latest();
    if (reader === null || reader.snapshot.meta.lastLogId.index >= purgedIndex()) return reader;
    await reader.close();
    return null;
  }

  /** Not the whole transfer is timed but each step of it: a large state takes as long as it takes. */
  #watchProgress(to: NodeId): { note: () => void; stop: () => void } {
    const { clock, timers, timeoutMs } = this.#parts;
    let lastMs = clock.nowMs();
    let timer: TimerHandle | null = null;
    const look = (): void => {
      const leftMs = lastMs + timeoutMs - clock.nowMs();
      if (leftMs <= 0) this.abort(to, `no progress for ${timeoutMs} ms`);
      else timer = timers.setTimer(leftMs, look);
    };
    look();
    return {
      note: () => {
        lastMs = clock.nowMs();
      },
      stop: () => timer?.cancel(),
    };
  }
}
