import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Latencies } from '../../bench/support/latencies.ts';
import { percentile, summarise } from '../../bench/support/statistics.ts';

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { minLength: 1 });

describe('statistics of repeats', () => {
  test('the summary holds the middle value and both ends, whatever the order', () => {
    assert.deepEqual(summarise([9, 1, 5]), { median: 5, min: 1, max: 9 });
  });

  test('the median of an even number of values lies between the two in the middle', () => {
    assert.equal(summarise([4, 1, 3, 10]).median, 3.5);
  });

  test('a percentile is interpolated between its neighbours', () => {
    assert.equal(percentile(Float64Array.of(0, 10, 20, 30, 40), 0.99), 39.6);
  });

  test('the median lies within the spread, and half of the values on either side', () => {
    fc.assert(
      fc.property(values, (given) => {
        const { median, min, max } = summarise(given);
        assert.ok(min <= median && median <= max);
        assert.ok(given.filter((value) => value <= median).length * 2 >= given.length);
        assert.ok(given.filter((value) => value >= median).length * 2 >= given.length);
      }),
    );
  });

  test('there is no summary of nothing', () => {
    assert.throws(() => summarise([]), RangeError);
  });
});

describe('latencies of a run', () => {
  test('percentiles count every duration, also those beyond the initial capacity', () => {
    const latencies = new Latencies();
    const count = 300_001;
    for (let duration = count - 1; duration >= 0; duration -= 1) latencies.record(duration);
    assert.equal(latencies.count, count);
    assert.deepEqual(latencies.percentiles(), { p50Ms: 150_000, p99Ms: 297_000 });
  });
});
