/** What a log store must hold: the plainest log there can be, to compare with. */
import type { Entry } from '../../core/entry.ts';
import type { HardState } from '../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../core/ids.ts';
import { isSameLogId, NO_LOG_ID } from '../../core/ids.ts';
import type { LogStore, LogStoreState } from '../../ports/log-store.ts';
import { isSameEntry } from './expect.ts';

/** One write to a log store. */
export type LogWrite =
  | { readonly type: 'append'; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly fromIndex: LogIndex }
  | { readonly type: 'purge'; readonly upTo: LogId }
  | { readonly type: 'save-hard-state'; readonly hardState: HardState }
  | { readonly type: 'save-identity'; readonly clusterId: string }
  | { readonly type: 'save-committed'; readonly committed: LogId };

/** A store, and what it said when it was opened. */
export interface OpenedLog {
  readonly store: LogStore;
  readonly state: LogStoreState;
}

export function issueWrite({ store, state }: OpenedLog, write: LogWrite): Promise<void> {
  switch (write.type) {
    case 'append':
      return store.append(write.entries);
    case 'truncate':
      return store.truncate(write.fromIndex);
    case 'purge':
      return store.purge(write.upTo);
    case 'save-hard-state':
      return store.saveHardState(write.hardState);
    case 'save-identity':
      return store.saveIdentity({ ...state.identity, clusterId: write.clusterId });
    case 'save-committed':
      return store.saveCommitted(write.committed);
  }
}

export function describeWrite(write: LogWrite): string {
  switch (write.type) {
    case 'append':
      return `append(${describeEntries(write.entries)})`;
    case 'truncate':
      return `truncate(${write.fromIndex})`;
    case 'purge':
      return `purge(${describeLogId(write.upTo)})`;
    case 'save-hard-state':
      return `saveHardState(term ${write.hardState.term}, vote ${write.hardState.votedFor})`;
    case 'save-identity':
      return `saveIdentity(cluster ${write.clusterId})`;
    case 'save-committed':
      return `saveCommitted(${describeLogId(write.committed)})`;
  }
}

/** What an opened store holds. */
export interface FoundLog {
  readonly state: LogStoreState;
  readonly entries: readonly Entry[];
}

interface LogModelState {
  readonly clusterId: string | null;
  readonly hardState: HardState;
  readonly lastPurged: LogId;
  readonly entries: readonly Entry[];
  /** All that was ever saved: which of them is kept is up to the store. */
  readonly committed: readonly LogId[];
}

const EMPTY: LogModelState = {
  clusterId: null,
  hardState: INITIAL_HARD_STATE,
  lastPurged: NO_LOG_ID,
  entries: [],
  committed: [NO_LOG_ID],
};

/** A log as a plain array. Never changes: each write makes the next one. */
export class LogModel {
  readonly #state: LogModelState;

  constructor(state: LogModelState = EMPTY) {
    this.#state = state;
  }

  get hardState(): HardState {
    return this.#state.hardState;
  }

  get clusterId(): string | null {
    return this.#state.clusterId;
  }

  get lastPurged(): LogId {
    return this.#state.lastPurged;
  }

  get entries(): readonly Entry[] {
    return this.#state.entries;
  }

  get lastLogId(): LogId {
    return this.#state.entries.at(-1)?.logId ?? this.#state.lastPurged;
  }

  /** The greatest LogId that was saved as committed. */
  get lastCommitted(): LogId {
    return this.#state.committed.reduce((last, id) => (id.index > last.index ? id : last), NO_LOG_ID);
  }

  after(write: LogWrite): LogModel {
    return new LogModel({ ...this.#state, ...this.#changesOf(write) });
  }

  /** The entries of a range. */
  range(fromIndex: LogIndex, toIndex: LogIndex): readonly Entry[] {
    return this.#state.entries.filter(({ logId: { index } }) => index >= fromIndex && index < toIndex);
  }

  matches({ state, entries }: FoundLog): boolean {
    const { clusterId, hardState, lastPurged, committed } = this.#state;
    return (
      state.identity.clusterId === clusterId &&
      state.hardState.term === hardState.term &&
      state.hardState.votedFor === hardState.votedFor &&
      isSameLogId(state.lastPurged, lastPurged) &&
      isSameLogId(state.lastLogId, this.lastLogId) &&
      committed.some((id) => isSameLogId(id, state.committed)) &&
      areSameEntries(entries, this.#state.entries)
    );
  }

  describe(): string {
    const { clusterId, hardState, lastPurged, entries, committed } = this.#state;
    const possible = committed.map(describeLogId).join(' or ');
    return describeLog({ clusterId, hardState, lastPurged, lastLogId: this.lastLogId, entries, committed: possible });
  }

  #changesOf(write: LogWrite): Partial<LogModelState> {
    const { entries, lastPurged, committed } = this.#state;
    switch (write.type) {
      case 'append':
        return { entries: [...entries, ...write.entries] };
      case 'truncate':
        return { entries: entries.filter(({ logId: { index } }) => index < write.fromIndex) };
      case 'purge':
        return write.upTo.index <= lastPurged.index
          ? {}
          : { lastPurged: write.upTo, entries: entries.filter(({ logId: { index } }) => index > write.upTo.index) };
      case 'save-hard-state':
        return { hardState: write.hardState };
      case 'save-identity':
        return { clusterId: write.clusterId };
      case 'save-committed':
        return { committed: [...committed, write.committed] };
    }
  }
}

export function describeFound({ state, entries }: FoundLog): string {
  const { identity, hardState, lastPurged, lastLogId, committed } = state;
  const { clusterId } = identity;
  return describeLog({ clusterId, hardState, lastPurged, lastLogId, entries, committed: describeLogId(committed) });
}

interface LogDescription {
  readonly clusterId: string | null;
  readonly hardState: HardState;
  readonly lastPurged: LogId;
  readonly lastLogId: LogId;
  readonly entries: readonly Entry[];
  readonly committed: string;
}

function describeLog(log: LogDescription): string {
  return [
    `term ${log.hardState.term}, vote ${log.hardState.votedFor}`,
    `cluster ${log.clusterId}`,
    `purged ${describeLogId(log.lastPurged)}`,
    `last ${describeLogId(log.lastLogId)}`,
    `committed ${log.committed}`,
    `entries ${describeEntries(log.entries)}`,
  ].join('; ');
}

function areSameEntries(actual: readonly Entry[], expected: readonly Entry[]): boolean {
  return (
    actual.length === expected.length &&
    expected.every((entry, position) => {
      const found = actual[position];
      return found !== undefined && isSameEntry(found, entry);
    })
  );
}

/** Entries as runs of one term: `1:1-1:4 3:5`. */
export function describeEntries(entries: readonly Entry[]): string {
  const runs: { first: LogId; last: LogId }[] = [];
  for (const { logId } of entries) {
    const run = runs.at(-1);
    if (run !== undefined && run.last.term === logId.term && run.last.index + 1 === logId.index) {
      run.last = logId;
    } else {
      runs.push({ first: logId, last: logId });
    }
  }
  const texts = runs.map(({ first, last }) =>
    first === last ? describeLogId(first) : `${describeLogId(first)}-${describeLogId(last)}`,
  );
  return texts.length === 0 ? 'none' : texts.join(' ');
}

function describeLogId({ term, index }: LogId): string {
  return `${term}:${index}`;
}
