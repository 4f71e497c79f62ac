import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Inflights } from '../../../src/core/progress/inflights.ts';

describe('Inflights', () => {
  test('is full when as many messages are unanswered as allowed', () => {
    const inflights = new Inflights(2, 1000);
    inflights.add(3, 10, 1);
    assert.equal(inflights.isFull, false);
    inflights.add(5, 10, 1);
    assert.equal(inflights.isFull, true);
    inflights.freeTo(3);
    assert.equal(inflights.isFull, false);
  });

  test('is full when the bytes are used up, which the last message may exceed', () => {
    const inflights = new Inflights(10, 100);
    inflights.add(1, 99, 1);
    assert.equal(inflights.isFull, false);
    inflights.add(2, 500, 1);
    assert.equal(inflights.isFull, true);
    assert.equal(inflights.bytes, 599);
  });

  test('frees whole messages only', () => {
    const inflights = new Inflights(10, 100);
    inflights.add(5, 10, 1);
    inflights.freeTo(4);
    assert.equal(inflights.count, 1);
    inflights.freeTo(5);
    assert.equal(inflights.count, 0);
  });

  test('knows the oldest and when it was sent', () => {
    const inflights = new Inflights(10, 100);
    assert.equal(inflights.oldest, null);
    inflights.add(5, 10, 7);
    inflights.add(9, 20, 8);
    assert.deepEqual(inflights.oldest, { lastIndex: 5, bytes: 10, round: 7 });
    inflights.freeTo(6);
    assert.deepEqual(inflights.oldest, { lastIndex: 9, bytes: 20, round: 8 });
    inflights.clear();
    assert.deepEqual([inflights.oldest, inflights.bytes, inflights.count], [null, 0, 0]);
  });

  test('counts like a plain list after any operations', () => {
    const operation = fc.oneof(
      fc.record({ type: fc.constant('add' as const), step: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(100) }),
      fc.record({ type: fc.constant('free' as const), back: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const inflights = new Inflights(5, 200);
        let model: { lastIndex: number; bytes: number }[] = [];
        let last = 0;
        for (const step of operations) {
          if (step.type === 'add') {
            last += step.step;
            inflights.add(last, step.bytes, 1);
            model.push({ lastIndex: last, bytes: step.bytes });
          } else {
            inflights.freeTo(last - step.back);
            model = model.filter(({ lastIndex }) => lastIndex > last - step.back);
          }
          const bytes = model.reduce((sum, item) => sum + item.bytes, 0);
          assert.deepEqual([inflights.count, inflights.bytes], [model.length, bytes]);
          assert.equal(inflights.isFull, model.length >= 5 || bytes >= 200);
          assert.equal(inflights.oldest?.lastIndex, model[0]?.lastIndex);
        }
      }),
    );
  });
});
