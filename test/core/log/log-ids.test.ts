import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import { LogIds } from '../../../src/core/log/log-ids.ts';

/** A log from index 1 on with these terms. */
function logOf(...terms: number[]): LogIds {
  const log = new LogIds({ purged: logId(0, 0), boundaries: [], last: logId(0, 0) });
  for (const term of terms) {
    log.append(term, 1);
  }
  return log;
}

describe('LogIds', () => {
  test('an empty log ends before the first entry', () => {
    const log = logOf();
    assert.equal(log.firstIndex, 1);
    assert.equal(log.lastIndex, 0);
    assert.deepEqual(log.lastLogId(), logId(0, 0));
    assert.equal(log.termAt(0), 0);
    assert.equal(log.termAt(1), null);
    assert.equal(log.has(logId(0, 0)), true);
    assert.deepEqual(log.boundaries(), []);
  });

  test('is opened from the boundaries of its terms', () => {
    const log = new LogIds({
      purged: logId(1, 3),
      boundaries: [logId(1, 4), logId(2, 6), logId(5, 9)],
      last: logId(5, 9),
    });
    const terms = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((index) => log.termAt(index));
    assert.deepEqual(terms, [null, 1, 1, 1, 2, 2, 2, 5, null]);
    assert.equal(log.firstIndex, 4);
    assert.deepEqual(log.lastLogId(), logId(5, 9));
    assert.deepEqual(log.boundaries(), [logId(1, 4), logId(2, 6), logId(5, 9)]);
  });

  test('keeps one boundary for a million entries of a term', () => {
    const log = logOf(1);
    log.append(2, 1_000_000);
    log.append(2, 1_000_000);
    assert.deepEqual(log.boundaries(), [logId(1, 1), logId(2, 2)]);
    assert.deepEqual(log.lastLogId(), logId(2, 2_000_001));
  });

  test('does not keep the arrays it was made from', () => {
    const boundaries = [logId(1, 1)];
    const log = new LogIds({ purged: logId(0, 0), boundaries, last: logId(1, 2) });
    log.append(2, 1);
    log.truncateFrom(1);
    assert.deepEqual(boundaries, [logId(1, 1)]);
  });

  test('knows an entry by index and term', () => {
    const log = logOf(1, 1, 3);
    assert.equal(log.has(logId(1, 2)), true);
    assert.equal(log.has(logId(3, 3)), true);
    assert.equal(log.has(logId(3, 2)), false);
    assert.equal(log.has(logId(3, 4)), false);
    assert.deepEqual(log.logIdAt(2), logId(1, 2));
    assert.equal(log.logIdAt(4), null);
  });

  test('refuses to append an older term, and changes nothing then', () => {
    const log = logOf(1, 3);
    assert.throws(() => log.append(2, 1), RangeError);
    assert.throws(() => log.append(3, -1), RangeError);
    assert.throws(() => log.append(3.5, 1), RangeError);
    assert.deepEqual(log.lastLogId(), logId(3, 2));
    log.purgeTo(logId(4, 7));
    assert.throws(() => log.append(3, 1), RangeError);
    assert.deepEqual(log.lastLogId(), logId(4, 7));
  });

  test('appending nothing starts no term', () => {
    const log = logOf(1);
    log.append(2, 0);
    assert.deepEqual(log.boundaries(), [logId(1, 1)]);
    assert.deepEqual(log.lastLogId(), logId(1, 1));
  });

  describe('truncateFrom', () => {
    test('removes the entry and all after it', () => {
      const log = logOf(1, 1, 2, 2, 3);
      log.truncateFrom(4);
      assert.deepEqual(log.lastLogId(), logId(2, 3));
      log.truncateFrom(3);
      assert.deepEqual(log.lastLogId(), logId(1, 2));
      assert.deepEqual(log.boundaries(), [logId(1, 1)]);
      log.truncateFrom(1);
      assert.deepEqual(log.lastLogId(), logId(0, 0));
    });

    test('does nothing past the end', () => {
      const log = logOf(1, 2);
      log.truncateFrom(3);
      log.truncateFrom(100);
      assert.deepEqual(log.lastLogId(), logId(2, 2));
    });

    test('refuses a purged entry', () => {
      const log = logOf(1, 1, 2);
      log.purgeTo(logId(1, 2));
      assert.throws(() => log.truncateFrom(2), RangeError);
      assert.throws(() => log.truncateFrom(1), RangeError);
      assert.deepEqual(log.lastLogId(), logId(2, 3));
      log.truncateFrom(3);
      assert.deepEqual(log.lastLogId(), logId(1, 2));
    });
  });

  describe('purgeTo', () => {
    test('within a term leaves the rest of the term', () => {
      const log = logOf(1, 2, 2, 2, 3);
      log.purgeTo(logId(2, 3));
      assert.deepEqual(log.purged, logId(2, 3));
      assert.deepEqual(log.boundaries(), [logId(2, 4), logId(3, 5)]);
      assert.deepEqual(
        [2, 3, 4, 5].map((index) => log.termAt(index)),
        [null, 2, 2, 3],
      );
    });

    test('at the end of a term leaves the next one', () => {
      const log = logOf(1, 1, 2);
      log.purgeTo(logId(1, 2));
      assert.deepEqual(log.boundaries(), [logId(2, 3)]);
    });

    test('to the last entry or beyond the end leaves an empty log that goes on there', () => {
      for (const id of [logId(2, 3), logId(2, 9), logId(5, 9)]) {
        const log = logOf(1, 1, 2);
        log.purgeTo(id);
        assert.deepEqual(log.purged, id);
        assert.deepEqual(log.lastLogId(), id);
        assert.equal(log.firstIndex, id.index + 1);
        assert.deepEqual(log.boundaries(), []);
        log.append(6, 2);
        assert.deepEqual(log.lastLogId(), logId(6, id.index + 2));
      }
    });

    test('never goes backwards', () => {
      const log = logOf(1, 1, 2);
      log.purgeTo(logId(1, 2));
      log.purgeTo(logId(1, 1));
      log.purgeTo(logId(1, 2));
      log.purgeTo(logId(0, 0));
      assert.deepEqual(log.purged, logId(1, 2));
      assert.deepEqual(log.lastLogId(), logId(2, 3));
    });

    test('refuses an entry that contradicts the log, also at its end', () => {
      const log = logOf(1, 1, 2);
      assert.throws(() => log.purgeTo(logId(2, 2)), RangeError);
      assert.throws(() => log.purgeTo(logId(3, 3)), RangeError);
      assert.deepEqual(log.purged, logId(0, 0));
      assert.deepEqual(log.lastLogId(), logId(2, 3));
    });
  });

  test('resetTo discards everything, forwards and backwards', () => {
    for (const id of [logId(4, 9), logId(1, 1), logId(2, 2)]) {
      const log = logOf(1, 1, 2);
      log.resetTo(id);
      assert.deepEqual(log.purged, id);
      assert.deepEqual(log.lastLogId(), id);
      assert.equal(log.termAt(id.index + 1), null);
    }
  });

  describe('lastIndexWithTermAtMost', () => {
    test('finds where two diverging logs can agree at the latest', () => {
      const log = logOf(1, 1, 3, 3, 3, 6);
      assert.equal(log.lastIndexWithTermAtMost(6, 6), 6);
      assert.equal(log.lastIndexWithTermAtMost(9, 100), 6);
      assert.equal(log.lastIndexWithTermAtMost(5, 6), 5);
      assert.equal(log.lastIndexWithTermAtMost(3, 4), 4);
      assert.equal(log.lastIndexWithTermAtMost(2, 6), 2);
      assert.equal(log.lastIndexWithTermAtMost(0, 6), 0);
      assert.equal(log.lastIndexWithTermAtMost(6, 0), 0);
    });

    test('stops at what is purged', () => {
      const log = logOf(1, 2, 2, 4);
      log.purgeTo(logId(2, 2));
      assert.equal(log.lastIndexWithTermAtMost(2, 9), 3);
      assert.equal(log.lastIndexWithTermAtMost(1, 9), 2);
      assert.equal(log.lastIndexWithTermAtMost(4, 1), 2);
    });
  });

  describe('refuses to be opened', () => {
    const refuse = (what: string, init: ConstructorParameters<typeof LogIds>[0]): void => {
      test(what, () => {
        assert.throws(() => new LogIds(init), RangeError);
      });
    };
    const [purged, last] = [logId(2, 5), logId(4, 9)];
    refuse('with a gap after the purged entry', { purged, boundaries: [logId(4, 7)], last });
    refuse('with entries but no boundary', { purged, boundaries: [], last });
    refuse('with entries of the purged term but no boundary', { purged, boundaries: [], last: logId(2, 9) });
    refuse('with a term older than the purged one', { purged, boundaries: [logId(1, 6), logId(4, 9)], last });
    refuse('with terms that go back', { purged, boundaries: [logId(5, 6), logId(4, 9)], last });
    refuse('with a term twice', { purged, boundaries: [logId(4, 6), logId(4, 8)], last });
    refuse('with an index twice', { purged, boundaries: [logId(2, 6), logId(4, 6)], last });
    refuse('with a boundary beyond the last entry', { purged, boundaries: [logId(2, 6), logId(4, 10)], last });
    refuse('with a last entry of another term', { purged, boundaries: [logId(3, 6)], last });
  });
});
