/** A consistent view of a state in memory, as bytes. */
import { ConsensusError, SnapshotError } from '../../errors.ts';
import type { AppliedState, StateSnapshot } from '../../ports/state-machine.ts';
import { encodeSnapshot } from './snapshot-frames.ts';
import type { StateKind } from './state-format.ts';
import { MEM_STATE_CODEC_ID } from './state-format.ts';

/** The first frame of a snapshot. */
export interface SnapshotHeader {
  readonly kind: StateKind;
  readonly lastTerm: number;
  readonly lastIndex: number;
}

export interface MemStateSnapshotSource {
  readonly applied: AppliedState;
  readonly kind: StateKind;
  /** Reads the values; called once, when the bytes are wanted. */
  values(): Iterable<unknown> | AsyncIterable<unknown>;
  /** The state may change again; called once. */
  release(): void;
}

/** Encodes the state while it is read; the state must not change before `release` was called. */
export class MemStateSnapshot implements StateSnapshot {
  readonly applied: AppliedState;
  readonly codecId: string = MEM_STATE_CODEC_ID;
  readonly #source: MemStateSnapshotSource;
  #isStarted = false;
  #isReleased = false;
  #isClosed = false;

  constructor(source: MemStateSnapshotSource) {
    this.applied = source.applied;
    this.#source = source;
  }

  /** @throws SnapshotError when the state holds something that is no data, or the view was closed */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    this.#checkOpen();
    if (this.#isStarted) {
      throw new SnapshotError('the bytes of a state snapshot can be read only once');
    }
    this.#isStarted = true;
    const { kind, applied } = this.#source;
    const { term: lastTerm, index: lastIndex } = applied.lastApplied;
    const header: SnapshotHeader = { kind, lastTerm, lastIndex };
    try {
      for await (const chunk of encodeSnapshot(header, this.#source.values(), () => this.#release())) {
        this.#checkOpen();
        yield chunk;
        this.#checkOpen();
      }
    } catch (error) {
      throw ConsensusError.is(error) ? error : new SnapshotError('the state could not be encoded', error);
    } finally {
      this.#release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#release();
  }

  /** Once closed, the state may have changed: no byte of it belongs to this view any more. */
  #checkOpen(): void {
    if (this.#isClosed) {
      throw new SnapshotError('the state snapshot is closed');
    }
  }

  #release(): void {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#source.release();
    }
  }
}
