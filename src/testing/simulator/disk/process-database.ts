/** The log database as one process sees it: when the process is gone, nothing of it reaches the disk any more. */
import type { LogIndex } from '../../../core/ids.ts';
import type { LogDatabase, LogDatabaseChange, LogGroup } from '../../../ports/log-database.ts';
import type { SimProcess } from '../time/sim-process.ts';

/** What is left of a dead process may still run until it waits for something; it must find nothing to stumble over. */
export class ProcessDatabase implements LogDatabase {
  readonly place: string;
  readonly #inner: LogDatabase;
  readonly #process: SimProcess;

  constructor(inner: LogDatabase, process: SimProcess) {
    this.place = inner.place;
    this.#inner = inner;
    this.#process = process;
  }

  open(): Promise<void> {
    return this.#ifAlive(() => this.#inner.open());
  }

  write(changes: readonly LogDatabaseChange[]): Promise<void> {
    return this.#ifAlive(() => this.#inner.write(changes));
  }

  record(name: string): Uint8Array | null {
    return this.#process.isAlive ? this.#inner.record(name) : null;
  }

  groupAtOrBefore(index: LogIndex): LogGroup | null {
    return this.#process.isAlive ? this.#inner.groupAtOrBefore(index) : null;
  }

  groupAtOrAfter(index: LogIndex): LogGroup | null {
    return this.#process.isAlive ? this.#inner.groupAtOrAfter(index) : null;
  }

  firstIndexes(fromIndex: LogIndex, toIndex: LogIndex, limit: number): readonly LogIndex[] {
    return this.#process.isAlive ? this.#inner.firstIndexes(fromIndex, toIndex, limit) : [];
  }

  close(): Promise<void> {
    return this.#ifAlive(() => this.#inner.close());
  }

  #ifAlive(work: () => Promise<void>): Promise<void> {
    return this.#process.isAlive ? work() : new Promise(() => undefined);
  }
}
