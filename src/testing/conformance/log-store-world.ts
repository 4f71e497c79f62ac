/** What the cases of the log store suite work with. */
import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { INITIAL_HARD_STATE } from '../../core/hard-state.ts';
import type { LogIndex } from '../../core/ids.ts';
import { NO_LOG_ID } from '../../core/ids.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState } from '../../ports/log-store.ts';
import type { Place } from './place.ts';
import { PlaceKeeper } from './place.ts';

/** How a world opens its stores. */
const OPEN_OPTIONS: LogStoreOpenOptions = {
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

/** One open log store, and the place to open it from again. */
export class LogStoreWorld {
  store: LogStore;
  /** What the store said when it was opened. */
  state: LogStoreState;
  readonly #keeper: PlaceKeeper<LogStore>;

  private constructor(keeper: PlaceKeeper<LogStore>, store: LogStore, state: LogStoreState) {
    this.#keeper = keeper;
    this.store = store;
    this.state = state;
  }

  static async create(place: Place<LogStore>): Promise<LogStoreWorld> {
    const keeper = new PlaceKeeper(place);
    try {
      const store = await keeper.next();
      return new LogStoreWorld(keeper, store, await store.open(OPEN_OPTIONS));
    } catch (error) {
      await keeper.close().catch(() => {});
      throw error;
    }
  }

  /** Closes the store and opens the next one over the same data. */
  async reopen(): Promise<LogStoreState> {
    this.store = await this.makeNext();
    this.state = await this.store.open({ ...OPEN_OPTIONS, newInstanceId: 'instance-of-a-later-open' });
    return this.state;
  }

  /** Closes the store and makes the next one, which the case opens. */
  async makeNext(): Promise<LogStore> {
    this.store = await this.#keeper.next();
    return this.store;
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
