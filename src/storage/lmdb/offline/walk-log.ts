/** Reads entry after entry, and goes on behind what is damaged. */
import { decodeRecord, skipRecord } from '../../../codec/record.ts';
import type { Entry } from '../../../core/entry.ts';
import type { LogIndex } from '../../../core/ids.ts';
import { CorruptionError } from '../../../errors.ts';
import type { LogGroup } from '../../../ports/log-database.ts';
import type { Finding } from './finding.ts';
import type { LogView } from './log-view.ts';
import { messageOf } from './stored-records.ts';
import type { Work } from './work.ts';

export interface LogVisitor {
  /** Entries come in order; where some are damaged or missing, the indexes have a gap. */
  onEntry(entry: Entry, record: Uint8Array): void | Promise<void>;
  onFinding(finding: Finding): void;
}

export interface WalkOptions {
  readonly view: LogView;
  readonly fromIndex: LogIndex;
  /** Exclusive. Default: to the end. */
  readonly toIndex?: LogIndex;
  readonly work: Work;
}

/** Nothing is said about entries that are missing at the end: nobody knows there where it is. */
export async function walkLog(options: WalkOptions, visitor: LogVisitor): Promise<void> {
  const { view, toIndex = Number.MAX_SAFE_INTEGER } = options;
  const walk = new Walk({ ...options, toIndex }, visitor);
  try {
    for (const group of view.groupsFrom(options.fromIndex)) {
      if (group.firstIndex >= toIndex) break;
      await walk.visit(group);
    }
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    walk.report(null, error.message);
  }
  walk.end();
}

class Walk {
  readonly #options: Required<WalkOptions>;
  readonly #visitor: LogVisitor;
  /** The entry that comes next; all before it were read or reported. */
  #nextIndex: LogIndex;
  /** Why the rest of the last group could not be read. */
  #broken: string | null = null;

  constructor(options: Required<WalkOptions>, visitor: LogVisitor) {
    this.#options = options;
    this.#visitor = visitor;
    this.#nextIndex = options.fromIndex;
  }

  async visit(group: LogGroup): Promise<void> {
    this.#closeGap(group.firstIndex);
    const { bytes } = group;
    let index = group.firstIndex;
    let offset = 0;
    if (bytes.byteLength === 0) this.#broken = 'the group is empty';
    while (offset < bytes.byteLength && index < this.#options.toIndex) {
      const end = this.#endOfRecord(group, offset, index);
      if (end === null) break;
      if (index >= this.#options.fromIndex) await this.#take(bytes, [offset, end], index);
      offset = end;
      index += 1;
    }
  }

  end(): void {
    if (this.#broken !== null) this.report(this.#nextIndex, this.#broken);
    this.#broken = null;
  }

  report(index: LogIndex | null, problem: string): void {
    this.#visitor.onFinding({ severity: 'damage', file: this.#options.view.place, index, problem });
  }

  /** Reports what is missing before the group that begins with `firstIndex`. */
  #closeGap(firstIndex: LogIndex): void {
    const from = this.#nextIndex;
    const isMissing = firstIndex > from;
    const range = firstIndex - from === 1 ? `entry ${from}` : `entries ${from} to ${firstIndex - 1}`;
    if (this.#broken !== null) this.report(from, isMissing ? `${this.#broken}; lost: ${range}` : this.#broken);
    else if (isMissing) this.report(from, `missing: ${range}`);
    this.#broken = null;
    this.#nextIndex = Math.max(from, firstIndex);
  }

  /** `null` when the group can't be read on from here. */
  #endOfRecord({ bytes }: LogGroup, offset: number, index: LogIndex): number | null {
    try {
      const { index: found, nextOffset } = skipRecord(bytes, offset);
      if (found === index) return nextOffset;
      this.#broken = `at byte ${offset} of its group: the record there says it is entry ${found}`;
    } catch (error) {
      this.#broken = messageOf(error);
    }
    return null;
  }

  async #take(bytes: Uint8Array, [start, end]: readonly [number, number], index: LogIndex): Promise<void> {
    if (index < this.#nextIndex) this.report(index, 'the entry is stored twice');
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    const entry = this.#decode(bytes, start, index);
    if (entry !== null) {
      const pending = this.#visitor.onEntry(entry, bytes.subarray(start, end));
      if (pending !== undefined) await pending;
    }
    const turn = this.#options.work.advance(1, end - start);
    if (turn !== null) await turn;
  }

  #decode(bytes: Uint8Array, start: number, index: LogIndex): Entry | null {
    try {
      return decodeRecord(bytes, start).entry;
    } catch (error) {
      this.report(index, messageOf(error));
      return null;
    }
  }
}
