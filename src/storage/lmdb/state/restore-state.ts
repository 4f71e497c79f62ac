/** Fills a new environment from the bytes of a snapshot. */
import { encodeAppliedState } from '../../../codec/applied-state-bytes.ts';
import type { SnapshotMeta } from '../../../core/message.ts';
import { ConsensusError, SnapshotError } from '../../../errors.ts';
import type { AppliedState } from '../../../ports/state-machine.ts';
import type { Row } from './merged-rows.ts';
import type { SnapshotFrame } from './snapshot-format.ts';
import { damagedSnapshot, decodeFrames, frameBytesOf } from './snapshot-format.ts';
import type { StateEnvironment } from './state-environment.ts';
import type { RowKey } from './state-key.ts';
import { ALL_ROWS } from './state-key.ts';

/** Rows are stored in groups of this size: not so large that the event loop waits long, nor so small that each waits. */
const GROUP_BYTES = 256 * 1024;

export interface RestoreSource {
  readonly meta: SnapshotMeta;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Throws when the restore is to be given up. */
  readonly check: () => void;
}

/**
 * Nothing is durable yet when it resolves.
 * @throws SnapshotError when the bytes are damaged, incomplete, or of another snapshot, or can't be read
 */
export async function restoreState(environment: StateEnvironment, source: RestoreSource): Promise<void> {
  const { meta, chunks, check } = source;
  const applied = { lastApplied: meta.lastLogId, lastTimeMs: meta.lastTimeMs, membership: meta.membership };
  const loader = new RowLoader(environment, applied);
  for await (const frame of decodeFrames(readable(chunks))) {
    check();
    await loader.take(frame);
  }
  await loader.finish();
}

/** Checks the order of frames and rows, and stores the rows. */
class RowLoader {
  readonly #environment: StateEnvironment;
  readonly #applied: AppliedState;
  #stage: 'header' | 'rows' | 'ended' = 'header';
  #group: Row[] = [];
  #groupBytes = 0;
  #rowCount = 0;
  #lastKey: RowKey = ALL_ROWS.from;

  constructor(environment: StateEnvironment, applied: AppliedState) {
    this.#environment = environment;
    this.#applied = applied;
  }

  async take(frame: SnapshotFrame): Promise<void> {
    if (frame.type === 'header' && this.#stage === 'header') {
      this.#checkHeader(frame.applied);
      this.#stage = 'rows';
    } else if (frame.type === 'rows' && this.#stage === 'rows') {
      for (const row of frame.rows) this.#add(row);
      if (this.#groupBytes >= GROUP_BYTES) await this.#store();
    } else if (frame.type === 'end' && this.#stage === 'rows') {
      if (frame.rowCount !== this.#rowCount) {
        throw damagedSnapshot(`it has ${this.#rowCount} rows, but should have ${frame.rowCount}`);
      }
      this.#stage = 'ended';
    } else {
      throw damagedSnapshot(`a frame of type '${frame.type}' at stage '${this.#stage}'`);
    }
  }

  async finish(): Promise<void> {
    if (this.#stage !== 'ended') throw damagedSnapshot('it is cut short');
    await this.#store();
    await this.#environment.write([], this.#applied);
  }

  /** A snapshot is taken for what its description says only if its own bytes say the same. */
  #checkHeader(bytes: Uint8Array): void {
    if (Buffer.compare(bytes, encodeAppliedState(this.#applied)) === 0) return;
    const { term, index } = this.#applied.lastApplied;
    throw new SnapshotError(`the bytes are not those of the snapshot at ${term}:${index}`);
  }

  #add(row: Row): void {
    const [key] = row;
    if (key <= this.#lastKey || key >= ALL_ROWS.to) throw damagedSnapshot('its rows are not in order');
    this.#lastKey = key;
    this.#rowCount += 1;
    this.#group.push(row);
    this.#groupBytes += frameBytesOf(row);
  }

  async #store(): Promise<void> {
    const rows = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    await this.#environment.append(rows);
  }
}

/** What goes wrong with the source of a snapshot is no fault of the state. */
async function* readable(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
  } catch (error) {
    throw ConsensusError.is(error) ? error : new SnapshotError('the snapshot could not be read', error);
  }
}
