/** What was written to one disk: what is certainly on it, and what may be. Outlives the processes that write. */
import type { LogStoreState } from '../../../ports/log-store.ts';
import type { LogWrite } from './log-image.ts';
import { LogImage } from './log-image.ts';

export class LogJournal {
  /** As the running process believes it to be. */
  #issued = new LogImage();
  /** What the process was told is on the disk. */
  #durable = new LogImage();
  #pending: LogWrite[] = [];

  get issued(): LogImage {
    return this.#issued;
  }

  get durable(): LogImage {
    return this.#durable;
  }

  issue(write: LogWrite): void {
    this.#issued.apply(write);
    this.#pending.push(write);
  }

  /** The write and all before it are on the disk, as the store says. */
  finish(write: LogWrite): void {
    const count = this.#pending.indexOf(write) + 1;
    for (const done of this.#pending.splice(0, count)) this.#durable.apply(done);
  }

  /**
   * The store was opened again. Returns whether it holds what it must: everything that was durable, and of the rest as
   * much as was written before the end, in order. What can't be read is taken to be what was written.
   */
  reopen({ hardState, lastPurged, lastLogId }: LogStoreState, found: LogImage | null): boolean {
    const expected = this.#durable.copy();
    const isExplained = (): boolean =>
      found === null ? expected.endsAs({ hardState, lastPurged, lastLogId }) : expected.equals(found);
    const pending = this.#pending;
    this.#pending = [];
    for (const write of pending) {
      if (isExplained()) break;
      expected.apply(write);
    }
    const result = isExplained();
    this.#durable = (found ?? expected).copy();
    this.#issued = this.#durable.copy();
    return result;
  }

  describe(): string {
    return `durable ${this.#durable.describe()}, issued ${this.#issued.describe()}, ${this.#pending.length} writes under way`;
  }
}
