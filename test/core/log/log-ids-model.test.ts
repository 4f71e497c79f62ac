import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { LogId } from '../../../src/core/ids.ts';
import { logId } from '../../../src/core/ids.ts';
import { LogIds } from '../../../src/core/log/log-ids.ts';

/** The obvious twin: one term an entry. */
class PlainLog {
  purged: LogId = logId(0, 0);
  terms: number[] = [];

  get last(): LogId {
    return logId(this.terms.at(-1) ?? this.purged.term, this.purged.index + this.terms.length);
  }

  termAt(index: number): number | null {
    return index === this.purged.index ? this.purged.term : (this.terms[index - this.purged.index - 1] ?? null);
  }

  lastIndexWithTermAtMost(term: number, maxIndex: number): number {
    for (let index = Math.min(maxIndex, this.last.index); index > this.purged.index; index -= 1) {
      if ((this.termAt(index) ?? 0) <= term) {
        return index;
      }
    }
    return this.purged.index;
  }

  boundaries(): LogId[] {
    const all = this.terms.map((term, position) => logId(term, this.purged.index + 1 + position));
    return all.filter(({ term }, position) => position === 0 || all[position - 1]?.term !== term);
  }
}

/** `offset` is counted from the purged entry, `step` from the last term: most of the operations hit something. */
interface Operation {
  readonly type: 'append' | 'truncate' | 'purge' | 'purge-beyond' | 'reset' | 'reopen';
  readonly offset: number;
  readonly step: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  type: fc.oneof(
    { weight: 6, arbitrary: fc.constant('append' as const) },
    { weight: 2, arbitrary: fc.constantFrom('truncate' as const, 'purge' as const) },
    { weight: 1, arbitrary: fc.constantFrom('purge-beyond' as const, 'reset' as const, 'reopen' as const) },
  ),
  offset: fc.nat(12),
  step: fc.nat(2),
});

/** Does the same to both; returns the log, which is a new one after it was reopened. */
function run(log: LogIds, plain: PlainLog, { type, offset, step }: Operation): LogIds {
  const { purged, last } = plain;
  switch (type) {
    case 'append':
      log.append(last.term + step, offset % 5);
      plain.terms.push(...new Array<number>(offset % 5).fill(last.term + step));
      return log;
    case 'truncate':
      log.truncateFrom(purged.index + 1 + offset);
      plain.terms.length = Math.min(plain.terms.length, offset);
      return log;
    case 'purge': {
      const index = Math.min(purged.index + offset, last.index);
      const id = logId(plain.termAt(index) ?? 0, index);
      log.purgeTo(id);
      plain.terms.splice(0, index - purged.index);
      plain.purged = id;
      return log;
    }
    case 'purge-beyond':
      plain.purged = logId(last.term + step, last.index + 1 + offset);
      plain.terms = [];
      log.purgeTo(plain.purged);
      return log;
    case 'reset':
      plain.purged = logId(last.term + step, Math.max(1, last.index - 6) + offset);
      plain.terms = [];
      log.resetTo(plain.purged);
      return log;
    case 'reopen':
      return new LogIds({ purged: log.purged, boundaries: log.boundaries(), last: log.lastLogId() });
  }
}

function assertSame(log: LogIds, plain: PlainLog): void {
  const { purged, last } = plain;
  assert.deepEqual(log.purged, purged);
  assert.deepEqual(log.lastLogId(), last);
  assert.equal(log.lastIndex, last.index);
  assert.equal(log.firstIndex, purged.index + 1);
  assert.deepEqual(log.boundaries(), plain.boundaries());
  for (let index = purged.index - 2; index <= last.index + 2; index += 1) {
    const term = plain.termAt(index);
    assert.equal(log.termAt(index), term);
    assert.deepEqual(log.logIdAt(index), term === null ? null : logId(term, index));
    for (const other of [purged.term, last.term, last.term + 1]) {
      assert.equal(log.has(logId(other, index)), other === term);
      assert.equal(log.lastIndexWithTermAtMost(other, index), plain.lastIndexWithTermAtMost(other, index));
      assert.equal(log.lastIndexWithTermAtMost(other - 1, index), plain.lastIndexWithTermAtMost(other - 1, index));
    }
  }
}

describe('LogIds', () => {
  test('answers like a plain list of terms after any operations', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 25 }), (operations) => {
        const plain = new PlainLog();
        let log = new LogIds({ purged: plain.purged, boundaries: [], last: plain.last });
        for (const next of operations) {
          log = run(log, plain, next);
          assertSame(log, plain);
        }
      }),
      { numRuns: 200 },
    );
  });
});
