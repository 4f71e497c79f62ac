/** A consistent view of a state in memory, as bytes. */
import { ConsensusError, SnapshotError } from '../../errors.ts';
import type { Timers } from '../../ports/clock.ts';
import type { AppliedState, StateSnapshot } from '../../ports/state-machine.ts';
import { FrameEncoder } from './snapshot-frames.ts';
import type { StateKind } from './state-format.ts';
import { MEM_STATE_CODEC_ID } from './state-format.ts';
import type { Pieces } from './state-turns.ts';
import { nextTurn } from './state-turns.ts';
import type { Place } from './state-writer.ts';
import { writeMembers } from './state-writer.ts';

/** The first frame of a snapshot. */
export interface SnapshotHeader {
  readonly kind: StateKind;
  readonly lastTerm: number;
  readonly lastIndex: number;
}

/** What a view reads. */
export interface MemStateView {
  readonly kind: StateKind;
  /** May large members be taken apart without a look? See `Place`. */
  readonly isDivisible: boolean;
  /** Reads the members; called once, when the bytes are wanted. */
  members(): Iterable<unknown> | AsyncIterable<unknown>;
  /** Nothing is read any more. Harmless when called again. */
  release(): void;
}

/** Encodes a view while it is read; what it reads must not change before `release` was called. */
export class MemStateSnapshot implements StateSnapshot {
  readonly applied: AppliedState;
  readonly codecId: string = MEM_STATE_CODEC_ID;
  readonly #timers: Timers;
  /** `null` when it was read, or will not be: then it keeps nothing alive. */
  #view: MemStateView | null;
  #isStarted = false;
  #isClosed = false;

  constructor(applied: AppliedState, view: MemStateView, timers: Timers) {
    this.applied = applied;
    this.#view = view;
    this.#timers = timers;
  }

  /** @throws SnapshotError when the state holds something that is no data, or the view was closed */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    this.#checkOpen();
    if (this.#isStarted || this.#view === null) {
      throw new SnapshotError('the bytes of a state snapshot can be read only once');
    }
    this.#isStarted = true;
    try {
      for await (const chunk of this.#encode(this.#view)) {
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

  async *#encode(view: MemStateView): AsyncGenerator<Uint8Array, void> {
    const { kind, isDivisible } = view;
    const { term: lastTerm, index: lastIndex } = this.applied.lastApplied;
    const header: SnapshotHeader = { kind, lastTerm, lastIndex };
    const encoder = new FrameEncoder(header);
    const place: Place = { isKeyed: kind === 'map', depth: 0, isDivisible };
    const members = view.members();
    // Two loops, because `for await` over a plain iterable costs several turns of the microtask queue for each member.
    if (Symbol.asyncIterator in members) {
      for await (const member of members) {
        yield* this.#inTurns(writeMembers(encoder, [member], place), encoder);
      }
    } else {
      yield* this.#inTurns(writeMembers(encoder, members, place), encoder);
    }
    encoder.end();
    // From now on everything may change, also while the last chunks are read.
    this.#release();
    yield* encoder.takeFullChunks();
    yield encoder.takeRest();
  }

  async *#inTurns(work: Pieces<void>, encoder: FrameEncoder): AsyncGenerator<Uint8Array, void> {
    for (const _piece of work) {
      yield* encoder.takeFullChunks();
      await nextTurn(this.#timers);
    }
  }

  /** Once closed, the state may have changed: no byte of it belongs to this view any more. */
  #checkOpen(): void {
    if (this.#isClosed) {
      throw new SnapshotError('the state snapshot is closed');
    }
  }

  #release(): void {
    this.#view?.release();
    this.#view = null;
  }
}
