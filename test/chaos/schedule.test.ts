import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FaultName } from '../../chaos/nemesis/fault.ts';
import { DEFAULT_FAULTS, FAULTS } from '../../chaos/nemesis/fault.ts';
import { describeFault, makeSchedule } from '../../chaos/nemesis/schedule.ts';
import { SeededRandom } from '../../chaos/nemesis/seeded-random.ts';

const nemeses = fc.subarray([...DEFAULT_FAULTS], { minLength: 1 });
const options = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  seconds: fc.integer({ min: 1, max: 300 }),
  nodes: fc.integer({ min: 3, max: 9 }),
  nemeses,
});

describe('the schedule of faults', () => {
  test('is the same for the same seed, and another one for another seed', () => {
    fc.assert(
      fc.property(options, (given) => {
        assert.deepEqual(makeSchedule(given), makeSchedule(given));
        const long = { ...given, seconds: 300 };
        assert.notDeepEqual(makeSchedule({ ...long, seed: (given.seed + 1) % 2 ** 32 }), makeSchedule(long));
      }),
    );
  });

  test('is in order of time, within the time given, and every fault names all places once', () => {
    fc.assert(
      fc.property(options, (given) => {
        let lastMs = 0;
        for (const { atMs, holdMs, nemesis, order, variant, strength } of makeSchedule(given)) {
          assert.ok(atMs >= lastMs && atMs < given.seconds * 1000);
          lastMs = atMs;
          const { holdMs: range, variants } = FAULTS[nemesis];
          assert.ok(holdMs >= range[0] && holdMs <= range[1]);
          assert.ok(variants.includes(variant));
          assert.ok(strength >= 0 && strength <= 1);
          assert.deepEqual(
            order.toSorted((a, b) => a - b),
            Array.from({ length: given.nodes }, (_, place) => place),
          );
        }
      }),
    );
  });

  test('has every variant of a kind before one comes again', () => {
    for (const nemesis of DEFAULT_FAULTS) {
      const { variants } = FAULTS[nemesis];
      const faults = makeSchedule({ seed: 7, seconds: 600, nodes: 5, nemeses: [nemesis] });
      assert.ok(faults.length >= variants.length);
      for (let start = 0; start + variants.length <= faults.length; start += variants.length) {
        const round = faults.slice(start, start + variants.length).map(({ variant }) => variant);
        assert.deepEqual(round.toSorted(), variants.toSorted());
      }
    }
  });

  test('faults of one kind do not overlap', () => {
    fc.assert(
      fc.property(options, (given) => {
        const ends = new Map<FaultName, number>();
        for (const { nemesis, atMs, holdMs } of makeSchedule(given)) {
          assert.ok(atMs > (ends.get(nemesis) ?? 0));
          ends.set(nemesis, atMs + holdMs);
        }
      }),
    );
  });

  test('a fault is described by its time, its kind and the nodes in order', () => {
    const line = describeFault({
      nemesis: 'kill',
      atMs: 12_345,
      holdMs: 800,
      variant: 'majority',
      order: [2, 0, 1],
      strength: 0.5,
    });
    assert.match(line, /^ +12\.3 s +kill +majority +800 ms +order 3 1 2 +strength 0\.50$/);
  });
});

describe('seeded random numbers', () => {
  test('streams of one seed are independent, and equal streams are equal', () => {
    const numbers = (stream: string): readonly number[] => {
      const random = new SeededRandom(1, stream);
      return Array.from({ length: 5 }, () => random.next());
    };
    assert.deepEqual(numbers('a'), numbers('a'));
    assert.notDeepEqual(numbers('a'), numbers('b'));
  });

  test('a shuffle keeps all, and integers reach both ends', () => {
    const random = new SeededRandom(5, 'test');
    assert.deepEqual(random.shuffle([1, 2, 3, 4]).toSorted(), [1, 2, 3, 4]);
    const drawn = new Set(Array.from({ length: 200 }, () => random.between(1, 3)));
    assert.deepEqual([...drawn].toSorted(), [1, 2, 3]);
    assert.throws(() => random.pick([]), RangeError);
  });
});
