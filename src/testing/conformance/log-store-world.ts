/** What the cases of the log store suite work with. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { INITIAL_HARD_STATE } from '../../core/hard-state.ts';
import type { LogIndex } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState } from '../../ports/log-store.ts';
import { runInWorld } from './conformance-suite.ts';
import type { FoundLog } from './log-model.ts';
import type { LogStoreDamage, LogStorePlace, LogStoreSuiteOptions } from './log-store-place.ts';
import type { PlaceFault } from './place.ts';
import { methodOf, PlaceKeeper } from './place.ts';

/** How a world opens its stores. */
export const OPEN_OPTIONS: LogStoreOpenOptions = {
  nodeId: 7,
  clusterName: 'conformance',
  newInstanceId: 'instance-of-the-first-open',
};

/** The state of a store that was just created. */
export const PRISTINE_STATE: LogStoreState = {
  identity: {
    nodeId: OPEN_OPTIONS.nodeId,
    instanceId: OPEN_OPTIONS.newInstanceId,
    clusterId: null,
    clusterName: OPEN_OPTIONS.clusterName,
  },
  hardState: INITIAL_HARD_STATE,
  committed: NO_LOG_ID,
  lastPurged: NO_LOG_ID,
  lastLogId: NO_LOG_ID,
};

/** A larger budget than any case has entries for. */
export const NO_BYTE_LIMIT: number = Number.MAX_SAFE_INTEGER;

/** An index that no case reaches. */
const FAR_INDEX = 2 ** 40;

/** One log store, and the place to open it from again. */
export class LogStoreWorld {
  store: LogStore;
  /** What the store said when it was opened; that of a new one before. */
  state: LogStoreState = PRISTINE_STATE;
  /** Of random histories. */
  readonly seed: number;
  readonly #options: LogStoreSuiteOptions;
  readonly #place: LogStorePlace;
  readonly #keeper: PlaceKeeper<LogStore>;

  private constructor(
    options: LogStoreSuiteOptions,
    place: LogStorePlace,
    keeper: PlaceKeeper<LogStore>,
    store: LogStore,
  ) {
    this.#options = options;
    this.#place = place;
    this.#keeper = keeper;
    this.store = store;
    this.seed = options.seed ?? 1;
  }

  /** A new place, and an open store over it. */
  static async create(options: LogStoreSuiteOptions): Promise<LogStoreWorld> {
    const world = await LogStoreWorld.#createUnopened(options);
    try {
      await world.open(OPEN_OPTIONS.newInstanceId);
      return world;
    } catch (error) {
      await world.close().catch(() => {});
      throw error;
    }
  }

  static async #createUnopened(options: LogStoreSuiteOptions): Promise<LogStoreWorld> {
    const place = await options.create();
    const keeper = new PlaceKeeper(place);
    try {
      return new LogStoreWorld(options, place, keeper, await keeper.next());
    } catch (error) {
      await keeper.close().catch(() => {});
      throw error;
    }
  }

  /** Runs a check in one more world, with a place of its own. */
  async inAnother(check: (world: LogStoreWorld) => Promise<void>): Promise<void> {
    await runInWorld(check, () => LogStoreWorld.create(this.#options));
  }

  /** The same in a world whose store is made, but not open yet. */
  async inAnotherUnopened(check: (world: LogStoreWorld) => Promise<void>): Promise<void> {
    await runInWorld(check, () => LogStoreWorld.#createUnopened(this.#options));
  }

  /** Closes the store and opens the next one over the same data. */
  async reopen(): Promise<LogStoreState> {
    await this.makeNext();
    return await this.open();
  }

  /** Closes the store, if there is one, and makes the next one, which the case opens. */
  async makeNext(): Promise<LogStore> {
    this.store = await this.#keeper.next();
    return this.store;
  }

  /** Opens the store that was made. */
  async open(newInstanceId = 'instance-of-a-later-open'): Promise<LogStoreState> {
    this.state = await this.store.open({ ...OPEN_OPTIONS, newInstanceId });
    return this.state;
  }

  async closeStore(): Promise<void> {
    await this.#keeper.closeStore();
  }

  /** Makes a store of the same place without closing the present one. */
  async beside(): Promise<LogStore> {
    return await this.#keeper.beside();
  }

  /** Ends the store as a power cut does. */
  async crash(seed: number): Promise<void> {
    await this.#keeper.crash(seed);
  }

  async crashAndReopen(seed: number): Promise<LogStoreState> {
    await this.crash(seed);
    return await this.reopen();
  }

  freezeAfter(operations: number): Promise<void> {
    return this.#keeper.freezeAfter(operations);
  }

  failNext(fault: PlaceFault): void {
    this.#keeper.failNext(fault);
  }

  relieve(): void {
    this.#keeper.relieve();
  }

  /** What an error about damaged data must name; `null` when there is no such name. */
  get location(): string | null {
    return this.#place.location ?? null;
  }

  async damage(damage: LogStoreDamage): Promise<void> {
    await methodOf(this.#place, 'damage')(damage);
  }

  /** What the store holds since it was opened. */
  async find(): Promise<FoundLog> {
    return { state: this.state, entries: await readAll(this.store) };
  }

  async close(): Promise<void> {
    await this.#keeper.close();
  }
}

/** All entries of a range, page by page; by default the whole log. */
export async function readAll(
  store: LogStore,
  fromIndex: LogIndex = 1,
  toIndex: LogIndex = FAR_INDEX,
  maxBytes: number = NO_BYTE_LIMIT,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  let nextIndex = fromIndex;
  while (nextIndex < toIndex) {
    const page = await store.read(nextIndex, toIndex, maxBytes);
    const last = page.at(-1);
    if (last === undefined) {
      break;
    }
    assert.ok(last.logId.index >= nextIndex && last.logId.index < toIndex, 'a page lies outside its range');
    entries.push(...page);
    nextIndex = last.logId.index + 1;
  }
  return entries;
}

/** Entries as `term:index`. */
export function idsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ logId: { term, index } }) => `${term}:${index}`);
}
