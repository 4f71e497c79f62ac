/** Random writes to a log as a node may issue them. */
import type { Entry } from '../../core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../core/entry.ts';
import type { LogId, LogIndex, Term } from '../../core/ids.ts';
import { logId } from '../../core/ids.ts';
import { sampleBytes } from './expect.ts';
import type { LogModel, LogWrite } from './log-model.ts';
import { jointMembership } from './sample-entries.ts';
import type { SeededRandom } from './seeded-random.ts';

const WEIGHTS: Readonly<Record<LogWrite['type'], number>> = {
  append: 50,
  truncate: 12,
  purge: 12,
  'save-hard-state': 15,
  'save-committed': 8,
  'save-identity': 3,
};

const PAYLOAD_BYTES: readonly number[] = [0, 1, 16, 16, 100, 100, 1000, 20_000];

/** Makes writes that follow each other, no two of them with equal entries. */
export class LogWriteGenerator {
  readonly #random: SeededRandom;
  #entryCount = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A write that fits a log like this. */
  next(model: LogModel): LogWrite {
    const random = this.#random;
    const type = random.weighted(WEIGHTS);
    switch (type) {
      case 'append':
        return { type, entries: this.#entries(model) };
      case 'truncate':
        return { type, fromIndex: this.#truncateFrom(model) };
      case 'purge':
        return { type, upTo: this.#purgeTo(model) };
      case 'save-hard-state': {
        const { term, votedFor } = model.hardState;
        const isLater = votedFor !== null || random.chance(0.7);
        return {
          type,
          hardState: { term: isLater ? term + random.between(1, 3) : term, votedFor: random.pick([null, 1, 7]) },
        };
      }
      case 'save-committed':
        return { type, committed: this.#committed(model) };
      case 'save-identity':
        return { type, clusterId: 'cluster-1' };
    }
  }

  #entries(model: LogModel): Entry[] {
    const random = this.#random;
    const entries: Entry[] = [];
    let { term, index } = model.lastLogId;
    for (let left = random.pick([0, 1, 1, 1, 2, 3, 8]); left > 0; left -= 1) {
      // No entry is of a later term than the node knows.
      term = random.chance(0.2) ? random.between(term, Math.max(term, model.hardState.term)) : term;
      index += 1;
      entries.push(this.#entry(Math.max(term, 1), index));
    }
    return entries;
  }

  #entry(term: Term, index: LogIndex): Entry {
    const random = this.#random;
    this.#entryCount += 1;
    // A time no other entry has: without a payload it tells an entry from the one that was truncated.
    const timeMs = 1_700_000_000_000 + this.#entryCount;
    const id = logId(term, index);
    if (random.chance(0.05)) {
      return blankEntry(id, timeMs);
    }
    if (random.chance(0.05)) {
      return membershipEntry(id, timeMs, jointMembership());
    }
    return normalEntry(id, timeMs, sampleBytes(random.pick(PAYLOAD_BYTES), this.#entryCount));
  }

  /** After what is committed, at times past the end. */
  #truncateFrom({ lastCommitted, lastPurged, lastLogId }: LogModel): LogIndex {
    const first = Math.max(lastCommitted.index, lastPurged.index) + 1;
    return this.#random.between(Math.max(first, lastLogId.index - 10), lastLogId.index + 2);
  }

  /** Of an entry, at times before what is purged already or beyond the end. */
  #purgeTo({ lastPurged, lastLogId, entries, hardState }: LogModel): LogId {
    const index = this.#random.between(Math.max(lastPurged.index - 2, 0), lastLogId.index + 2);
    const entry = entries.find(({ logId: id }) => id.index === index);
    const isBeyond = index > lastLogId.index;
    return entry?.logId ?? logId(isBeyond ? Math.max(lastLogId.term, hardState.term) : lastPurged.term, index);
  }

  #committed({ entries, lastCommitted, lastPurged }: LogModel): LogId {
    const possible = entries.filter(({ logId: { index } }) => index >= lastCommitted.index);
    return possible.length === 0 ? lastPurged : this.#random.pick(possible).logId;
  }
}
