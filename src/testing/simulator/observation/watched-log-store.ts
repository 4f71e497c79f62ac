/** Tells an observer of everything that goes to and comes from a log store. */
import type { Entry } from '../../../core/entry.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../../core/ids.ts';
import type { LogStore, LogStoreOpenOptions, LogStoreState, StoreIdentity } from '../../../ports/log-store.ts';
import type { LogWrite } from './log-image.ts';
import { LogImage } from './log-image.ts';

export interface LogStoreWatcher {
  /** `found`: all that the store holds; `null` when some of it can't be read. */
  opened(state: LogStoreState, found: LogImage | null): void;
  /** Before the store gets it. */
  issued(write: LogWrite): void;
  durable(write: LogWrite): void;
}

export class WatchedLogStore implements LogStore {
  readonly #inner: LogStore;
  readonly #watcher: LogStoreWatcher;

  constructor(inner: LogStore, watcher: LogStoreWatcher) {
    this.#inner = inner;
    this.#watcher = watcher;
  }

  async open(options: LogStoreOpenOptions): Promise<LogStoreState> {
    const state = await this.#inner.open(options);
    this.#watcher.opened(state, await this.#readAll(state));
    return state;
  }

  saveIdentity(identity: StoreIdentity): Promise<void> {
    return this.#inner.saveIdentity(identity);
  }

  saveHardState(hardState: HardState): Promise<void> {
    return this.#write({ type: 'hard-state', hardState }, () => this.#inner.saveHardState(hardState));
  }

  saveCommitted(committed: LogId): Promise<void> {
    return this.#inner.saveCommitted(committed);
  }

  append(entries: readonly Entry[]): Promise<void> {
    return this.#write({ type: 'append', entries }, () => this.#inner.append(entries));
  }

  truncate(fromIndex: LogIndex): Promise<void> {
    return this.#write({ type: 'truncate', fromIndex }, () => this.#inner.truncate(fromIndex));
  }

  purge(upTo: LogId): Promise<void> {
    return this.#write({ type: 'purge', upTo }, () => this.#inner.purge(upTo));
  }

  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    return this.#inner.read(fromIndex, toIndex, maxBytes);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Whatever is wrong with an entry, a node learns of it only when it needs it. */
  async #readAll({ hardState, lastPurged: purged, lastLogId }: LogStoreState): Promise<LogImage | null> {
    const entries: Entry[] = [];
    try {
      while (purged.index + entries.length < lastLogId.index) {
        const fromIndex = purged.index + 1 + entries.length;
        const found = await this.#inner.read(fromIndex, lastLogId.index + 1, Number.MAX_SAFE_INTEGER);
        if (found.length === 0) return null;
        entries.push(...found);
      }
    } catch {
      return null;
    }
    return LogImage.of({ hardState, purged, entries });
  }

  #write(write: LogWrite, start: () => Promise<void>): Promise<void> {
    this.#watcher.issued(write);
    return start().then(() => this.#watcher.durable(write));
  }
}
