/** A consistent view of a state on disk, as the bytes of a snapshot. */
import type { Transaction } from 'lmdb';
import { encodeAppliedState } from '../../../codec/applied-state-bytes.ts';
import { SnapshotError } from '../../../errors.ts';
import type { AppliedState, StateSnapshot } from '../../../ports/state-machine.ts';
import { backgroundTimers } from '../../../system/system-ports.ts';
import type { Row } from './merged-rows.ts';
import { encodeFrame, FRAME_BYTES, frameBytesOf, LMDB_STATE_CODEC_ID } from './snapshot-format.ts';
import type { StateEnvironment } from './state-environment.ts';
import type { RowRange } from './state-key.ts';
import { ALL_ROWS } from './state-key.ts';

/** Chunks are at most this long. */
const CHUNK_BYTES = 4 * FRAME_BYTES;

/**
 * What was written when the view was made, while writing goes on. As long as it is open, LMDB uses no space again that
 * is given up, so the file grows by what is written meanwhile: read it to its end, or close it.
 */
export class StateView implements StateSnapshot {
  readonly applied: AppliedState;
  readonly codecId: string = LMDB_STATE_CODEC_ID;
  readonly #environment: StateEnvironment;
  readonly #onReleased: () => void;
  #pinned: Transaction | null;
  #isStarted = false;

  constructor(environment: StateEnvironment, onReleased: () => void) {
    const pinned = environment.pin();
    try {
      this.applied = environment.applied(pinned);
    } catch (error) {
      pinned.done();
      throw error;
    }
    this.#environment = environment;
    this.#onReleased = onReleased;
    this.#pinned = pinned;
  }

  /**
   * @throws CorruptionError when a row is damaged on the disk
   * @throws SnapshotError when the view was closed, or the state machine was
   */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    this.#checkOpen();
    if (this.#isStarted) throw new SnapshotError('the bytes of a state snapshot can be read only once');
    this.#isStarted = true;
    yield encodeFrame({ type: 'header', applied: encodeAppliedState(this.applied) });
    let rowCount = 0;
    let range: RowRange = ALL_ROWS;
    for (;;) {
      const rows = this.#nextRows(range);
      const last = rows.at(-1);
      if (last === undefined) break;
      rowCount += rows.length;
      range = { ...range, from: last[0], isAfterFrom: true };
      yield* chunksOf(encodeFrame({ type: 'rows', rows }));
      // Whoever reads the chunks may never wait for anything.
      await new Promise<void>((resolve) => backgroundTimers.nextTurn(resolve));
    }
    yield encodeFrame({ type: 'end', rowCount });
  }

  async close(): Promise<void> {
    this.invalidate();
  }

  /** Lets go of the view at once. Safe to call twice. */
  invalidate(): void {
    const pinned = this.#pinned;
    if (pinned === null) return;
    this.#pinned = null;
    pinned.done();
    this.#onReleased();
  }

  /** As many rows as a frame takes. No cursor is left open in between. */
  #nextRows(range: RowRange): readonly Row[] {
    const rows: Row[] = [];
    let sizeBytes = 0;
    for (const row of this.#environment.rows(range, this.#checkOpen())) {
      rows.push(row);
      sizeBytes += frameBytesOf(row);
      if (sizeBytes >= FRAME_BYTES) break;
    }
    return rows;
  }

  #checkOpen(): Transaction {
    if (this.#pinned === null) throw new SnapshotError('the state snapshot is closed');
    return this.#pinned;
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}
