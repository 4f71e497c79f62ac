/** One state: its environment on the disk, and the changes that are not written to it yet. */
import { ConsensusError, StorageError } from '../../../errors.ts';
import type { AppliedState } from '../../../ports/state-machine.ts';
import type { RowChange } from './change-layer.ts';
import { ChangeLayer } from './change-layer.ts';
import type { StateEnvironment } from './state-environment.ts';
import type { RowKey, RowRange } from './state-key.ts';
import type { StateRows } from './state-transaction.ts';
import { StateView } from './state-view.ts';

/** When so much was applied, it is written. */
const WRITE_AFTER = Object.freeze({ entries: 4096, changes: 2048, bytes: 2 * 1024 * 1024 });

/** When so many changes wait for a write under way, nothing more is applied. */
const ROOM = Object.freeze({ changes: 4096, bytes: 8 * 1024 * 1024 });

/**
 * Changes are kept in memory and written in large groups, each with the record of how far the state is, in one LMDB
 * transaction. So what is on the disk is always the state after some entry, though not the last one:
 *
 * ```text
 *   log           1 ............................ durable ...... last
 *   in memory     1 .................... applied                        what reads and applies see
 *   on the disk   1 ........ written                                    where a restarted node goes on, from its log
 *   snapshot      1 ... taken from what is written; the log is kept from here on
 * ```
 *
 * That is safe because an entry is applied only when the own log has it on the disk, and the log is cut only up to a
 * snapshot, which is taken of what is written, after waiting for it: what is not written is always in the log.
 *
 * Why not a transaction for every call of `apply`: each would cost two more device writes in the way of every answer,
 * on the disk that the log needs, and a page for every row with a random key (a group shares them). Why not LMDB
 * without syncing: its file may be damaged after a power failure (`noSync`), or nothing is won (`noMetaSync` still
 * syncs the data of each commit).
 */
export class StateStore implements StateRows {
  readonly environment: StateEnvironment;
  readonly #onRoom: () => void;
  readonly #views = new Set<StateView>();
  readonly #unused = Promise.withResolvers<void>();
  #applied: AppliedState;
  #written: AppliedState;
  #pending = new ChangeLayer();
  /** What the write under way writes, or the last one could not. */
  #writing: ChangeLayer | null = null;
  #write: Promise<void> | null = null;
  #failure: ConsensusError | null = null;
  #isRetired = false;

  /** `onRoom` is called when a write has ended, well or not. */
  constructor(environment: StateEnvironment, onRoom: () => void) {
    this.environment = environment;
    this.#onRoom = onRoom;
    this.#applied = environment.applied();
    this.#written = this.#applied;
  }

  get applied(): AppliedState {
    return this.#applied;
  }

  /** May more be applied now? After a failure too: it fails at once then. */
  get hasRoom(): boolean {
    return this.#write === null || !exceeds(this.#pending, ROOM);
  }

  get(key: RowKey): Uint8Array | null {
    let change = this.#pending.get(key);
    if (change === undefined) change = this.#writing?.get(key);
    return change === undefined ? this.environment.get(key) : change;
  }

  sources(range: RowRange): readonly Iterator<RowChange, unknown>[] {
    const layers = this.#writing === null ? [this.#pending] : [this.#pending, this.#writing];
    return [...layers.map((layer) => layer.rows(range)), this.environment.rows(range)];
  }

  /** @throws ConsensusError when a write has failed or the store was closed: nothing may be applied any more */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Takes over what a group of entries changed. */
  commit(changes: ChangeLayer, applied: AppliedState): void {
    this.#pending.absorb(changes);
    this.#applied = applied;
    this.#writeIfFull();
  }

  /** Resolves when what is applied now is on the disk. */
  async flush(): Promise<void> {
    const { index } = this.#applied.lastApplied;
    this.check();
    while (this.#written.lastApplied.index < index) {
      this.#startWrite();
      await this.#write;
      this.check();
    }
  }

  /** A view of at least what is applied now, once that is on the disk. */
  async view(): Promise<StateView> {
    await this.flush();
    this.check();
    const view = new StateView(this.environment, () => {
      this.#views.delete(view);
      this.#closeIfUnused();
    });
    this.#views.add(view);
    return view;
  }

  /**
   * Nothing is applied or viewed any more: `reason` tells why. Resolves when the environment is closed, which is after
   * the last view was.
   */
  async retire(reason: ConsensusError): Promise<void> {
    // From now on no write is started, and what waits for one is told.
    this.#failure ??= reason;
    this.#isRetired = true;
    await this.#write;
    this.#closeIfUnused();
    await this.#unused.promise;
    await this.environment.close();
  }

  /** Views can't be read any more. */
  closeViews(): void {
    for (const view of this.#views) view.invalidate();
  }

  #writeIfFull(): void {
    const entries = this.#applied.lastApplied.index - this.#written.lastApplied.index;
    if (entries >= WRITE_AFTER.entries || exceeds(this.#pending, WRITE_AFTER)) this.#startWrite();
  }

  #startWrite(): void {
    if (this.#write !== null || this.#failure !== null) return;
    const [changes, applied] = [this.#pending, this.#applied];
    this.#writing = changes;
    this.#pending = new ChangeLayer();
    this.#write = this.#finishWrite(this.environment.write(changes.entries(), applied), applied);
  }

  async #finishWrite(write: Promise<void>, applied: AppliedState): Promise<void> {
    try {
      await write;
      this.#written = applied;
      this.#writing = null;
    } catch (error) {
      this.#failure = ConsensusError.is(error) ? error : new StorageError('the state could not be written', error);
    }
    this.#write = null;
    if (this.#failure === null) this.#writeIfFull();
    this.#onRoom();
  }

  #closeIfUnused(): void {
    if (this.#isRetired && this.#views.size === 0) this.#unused.resolve();
  }
}

function exceeds(layer: ChangeLayer, limit: { readonly changes: number; readonly bytes: number }): boolean {
  return layer.count >= limit.changes || layer.sizeBytes >= limit.bytes;
}
