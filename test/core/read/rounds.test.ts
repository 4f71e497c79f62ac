import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Rounds } from '../../../src/core/read/rounds.ts';

describe('Rounds', () => {
  test('are numbered from 1, and remember when they were sent', () => {
    const rounds = new Rounds();
    assert.equal(rounds.current, 0);
    assert.deepEqual([rounds.start(10), rounds.start(25)], [1, 2]);
    assert.deepEqual([rounds.sentMs(1), rounds.sentMs(2)], [10, 25]);
  });

  test('know nothing of rounds that never were, or too long ago', () => {
    const rounds = new Rounds();
    for (let round = 1; round <= 65; round += 1) rounds.start(round * 10);
    assert.equal(rounds.sentMs(0), Number.NEGATIVE_INFINITY);
    assert.equal(rounds.sentMs(66), Number.NEGATIVE_INFINITY);
    assert.equal(rounds.sentMs(1), Number.NEGATIVE_INFINITY);
    assert.equal(rounds.sentMs(2), 20);
    assert.equal(rounds.sentMs(65), 650);
  });
});
