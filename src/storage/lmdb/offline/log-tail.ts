/** What the walk through a log leaves behind: enough to know what a node would make of it. */
import type { Entry } from '../../../core/entry.ts';
import type { LogId, LogIndex } from '../../../core/ids.ts';
import { logId } from '../../../core/ids.ts';
import type { StoredMembership } from '../../../core/membership/membership.ts';
import type { Finding } from './finding.ts';
import type { LogVisitor } from './walk-log.ts';

export class LogTail implements LogVisitor {
  readonly memberships: StoredMembership[] = [];
  /** Of the last entry. */
  lastTimeMs = 0;
  entryCount = 0;
  readonly #place: string;
  readonly #onFinding: (finding: Finding) => void;
  #lastLogId: LogId;
  /** The first entry of each term. */
  readonly #boundaries: LogId[] = [];

  constructor(place: string, lastPurged: LogId, onFinding: (finding: Finding) => void) {
    this.#place = place;
    this.#lastLogId = lastPurged;
    this.#onFinding = onFinding;
  }

  /** The last entry that can be read, or the last purged one. */
  get lastLogId(): LogId {
    return this.#lastLogId;
  }

  onEntry({ logId: id, timeMs, membership }: Entry): void {
    const { term } = this.#lastLogId;
    if (id.term < term) this.#report(id.index, `term ${id.term} after term ${term}`);
    if (this.#boundaries.at(-1)?.term !== id.term) this.#boundaries.push(id);
    this.#lastLogId = id;
    this.lastTimeMs = timeMs;
    this.entryCount += 1;
    if (membership !== null) this.memberships.push({ logId: id, membership });
  }

  onFinding(finding: Finding): void {
    this.#onFinding(finding);
  }

  /** `null` when it was not read. */
  logIdAt(index: LogIndex): LogId | null {
    const boundary = this.#boundaries.findLast((first) => first.index <= index);
    return boundary === undefined || index > this.#lastLogId.index ? null : logId(boundary.term, index);
  }

  #report(index: LogIndex, problem: string): void {
    this.#onFinding({ severity: 'damage', file: this.#place, index, problem });
  }
}
