import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LogSizes } from '../../../src/core/log/log-sizes.ts';

/** The sizes of the entries after `lastIndex`. */
function sizesOf(lastIndex: number, sizes: readonly number[], capacity?: number): LogSizes {
  const log = new LogSizes(lastIndex, capacity);
  for (const bytes of sizes) {
    log.append(bytes);
  }
  return log;
}

describe('LogSizes', () => {
  test('knows no entry that was there before it', () => {
    const log = sizesOf(7, []);
    assert.equal(log.firstKnownIndex, 8);
    assert.equal(log.bytesBetween(7, 8), null);
    assert.equal(log.endWithin(7, 8, 10, 10), null);
  });

  test('sums the bytes of a range', () => {
    const log = sizesOf(7, [10, 20, 0, 40]);
    assert.equal(log.bytesBetween(8, 12), 70);
    assert.equal(log.bytesBetween(9, 10), 20);
    assert.equal(log.bytesBetween(9, 9), 0);
    assert.equal(log.bytesBetween(11, 13), null);
    assert.equal(log.bytesBetween(7, 9), null);
  });

  describe('endWithin', () => {
    const log = sizesOf(0, [10, 20, 30, 0, 40]);
    test('stops where a byte more would be too much', () => {
      assert.equal(log.endWithin(1, 6, 10, 29), 2);
      assert.equal(log.endWithin(1, 6, 10, 30), 3);
      assert.equal(log.endWithin(1, 6, 10, 60), 5);
      assert.equal(log.endWithin(1, 6, 10, 1000), 6);
      assert.equal(log.endWithin(2, 6, 10, 50), 5);
    });

    test('stops at the number of entries and at the end of the range', () => {
      assert.equal(log.endWithin(1, 6, 2, 1000), 3);
      assert.equal(log.endWithin(1, 4, 10, 1000), 4);
      assert.equal(log.endWithin(1, 6, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 6);
    });

    test('lets one entry through however large it is', () => {
      assert.equal(log.endWithin(3, 6, 10, 1), 4);
      assert.equal(log.endWithin(3, 6, 0, 1000), 4);
      assert.equal(log.endWithin(3, 6, 10, 0), 4);
    });

    test('of an empty range is its beginning', () => {
      assert.equal(log.endWithin(3, 3, 10, 1000), 3);
    });

    test('is unknown beyond the end', () => {
      assert.equal(log.endWithin(3, 7, 1, 1000), null);
    });
  });

  test('forgets the oldest when it is full', () => {
    const log = sizesOf(0, [1, 2, 3, 4, 5], 3);
    assert.equal(log.firstKnownIndex, 3);
    assert.equal(log.bytesBetween(3, 6), 12);
    assert.equal(log.bytesBetween(2, 3), null);
  });

  test('keeps 65536 entries unless told otherwise, while it grows with the log', () => {
    const log = new LogSizes(0);
    for (let index = 1; index <= 70_000; index += 1) {
      log.append(index % 7);
    }
    assert.equal(log.firstKnownIndex, 70_000 - 65_536 + 1);
    let bytes = 0;
    for (let index = log.firstKnownIndex; index <= 70_000; index += 1) {
      bytes += index % 7;
    }
    assert.equal(log.bytesBetween(log.firstKnownIndex, 70_001), bytes);
    assert.equal(log.bytesBetween(69_999, 70_001), (69_999 % 7) + (70_000 % 7));
  });

  test('truncation forgets the entry and all after it, and goes on there', () => {
    const log = sizesOf(0, [1, 2, 3]);
    log.truncateFrom(4);
    assert.equal(log.bytesBetween(1, 4), 6);
    log.truncateFrom(2);
    assert.equal(log.bytesBetween(1, 3), null);
    log.append(50);
    assert.equal(log.bytesBetween(1, 3), 51);
  });

  test('truncation before the oldest known entry leaves nothing known', () => {
    const log = sizesOf(10, [1, 2, 3]);
    log.truncateFrom(5);
    assert.equal(log.firstKnownIndex, 5);
    log.append(7);
    assert.equal(log.bytesBetween(5, 6), 7);
  });

  test('a reset forgets all', () => {
    const log = sizesOf(0, [1, 2, 3]);
    log.resetTo(2);
    assert.equal(log.firstKnownIndex, 3);
    assert.equal(log.bytesBetween(1, 3), null);
    log.append(9);
    assert.equal(log.bytesBetween(3, 4), 9);
  });

  test('refuses what is no size', () => {
    assert.throws(() => new LogSizes(0, 0), RangeError);
    assert.throws(() => new LogSizes(0, 1.5), RangeError);
    const log = new LogSizes(0);
    for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => log.append(bytes), RangeError);
    }
    assert.equal(log.firstKnownIndex, 1);
    assert.equal(log.bytesBetween(1, 2), null);
  });
});

/** The obvious twin: the sizes by index. */
class PlainSizes {
  readonly capacity: number;
  sizes = new Map<number, number>();
  last = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  append(bytes: number): void {
    this.last += 1;
    this.sizes.set(this.last, bytes);
    this.sizes.delete(this.last - this.capacity);
  }

  truncateFrom(index: number): void {
    this.last = Math.min(this.last, index - 1);
    this.sizes = new Map([...this.sizes].filter(([known]) => known < index));
  }

  resetTo(lastIndex: number): void {
    this.sizes.clear();
    this.last = lastIndex;
  }

  get firstKnownIndex(): number {
    return Math.min(this.last + 1, ...this.sizes.keys());
  }

  bytesBetween(from: number, to: number): number | null {
    let sum = 0;
    for (let index = from; index < to; index += 1) {
      const bytes = this.sizes.get(index);
      if (bytes === undefined) {
        return null;
      }
      sum += bytes;
    }
    return sum;
  }

  endWithin(range: readonly [from: number, to: number], maxEntries: number, maxBytes: number): number | null {
    const [from, to] = range;
    if (from >= to || this.bytesBetween(from, to) === null) {
      return from >= to ? from : null;
    }
    let end = from + 1;
    while (end < to && end - from < maxEntries && (this.bytesBetween(from, end + 1) ?? 0) <= maxBytes) {
      end += 1;
    }
    return end;
  }
}

const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('append' as const), amount: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('truncate' as const), amount: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reset' as const), amount: fc.nat(30) }) },
);

describe('LogSizes as a whole', () => {
  test('answers like a plain list of sizes after any operations', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(operation, { maxLength: 40 }), (capacity, operations) => {
        const log = new LogSizes(0, capacity);
        const plain = new PlainSizes(capacity);
        for (const { type, amount } of operations) {
          if (type === 'append') {
            log.append(amount);
            plain.append(amount);
          } else if (type === 'truncate') {
            const index = Math.max(1, plain.last + 1 - amount);
            log.truncateFrom(index);
            plain.truncateFrom(index);
          } else {
            log.resetTo(amount);
            plain.resetTo(amount);
          }
        }
        assert.equal(log.firstKnownIndex, plain.firstKnownIndex);
        const { last } = plain;
        for (let from = Math.max(0, last - capacity - 1); from <= last + 1; from += 1) {
          for (let to = from; to <= last + 2; to += 1) {
            assert.equal(log.bytesBetween(from, to), plain.bytesBetween(from, to));
            for (const maxBytes of [0, 5, 20, 1000]) {
              assert.equal(log.endWithin(from, to, 4, maxBytes), plain.endWithin([from, to], 4, maxBytes));
            }
          }
        }
      }),
    );
  });

  test('stays right while it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 600, maxLength: 1200 }), (sizes) => {
        const log = sizesOf(3, sizes, 1000);
        const first = Math.max(4, 3 + sizes.length - 1000 + 1);
        assert.equal(log.firstKnownIndex, first);
        let bytes = 0;
        for (let index = 3 + sizes.length; index >= first; index -= 1) {
          bytes += sizes[index - 4] ?? 0;
          assert.equal(log.bytesBetween(index, 4 + sizes.length), bytes);
        }
      }),
      { numRuns: 20 },
    );
  });
});
