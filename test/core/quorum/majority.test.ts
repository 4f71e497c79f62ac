import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { VoteResult } from '../../../src/core/quorum/majority.ts';
import { isMajority, majorityValue, majorityVote } from '../../../src/core/quorum/majority.ts';
import { naiveIsQuorum, naiveMajorityValue, naiveMajorityVote } from './naive-quorum.ts';

/** Values in the order of the voters; 0 for one that has acknowledged nothing. */
function valueOfAll(voters: readonly number[], values: readonly number[]): number {
  return majorityValue(voters, (id) => values[voters.indexOf(id)] ?? 0);
}

/** Votes in the order of the voters: y grants, n denies, - is silent. */
function voteOf(voters: readonly number[], answers: string): VoteResult {
  const votes = new Map<number, boolean>();
  for (const [position, id] of voters.entries()) {
    if (answers[position] !== '-') {
      votes.set(id, answers[position] === 'y');
    }
  }
  return majorityVote(voters, votes);
}

const voterSet = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 7 });
const someNodes = fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { maxLength: 13 });
const someVotes = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()))
  .map((votes): ReadonlyMap<number, boolean> => new Map(votes));

describe('majorityValue', () => {
  test('Q-01 is the highest index that a majority has acknowledged', () => {
    assert.equal(valueOfAll([1], [0]), 0);
    assert.equal(valueOfAll([1], [12]), 12);
    assert.equal(valueOfAll([1, 2], [12, 0]), 0);
    assert.equal(valueOfAll([1, 2], [12, 5]), 5);
    assert.equal(valueOfAll([1, 2, 3], [12, 0, 0]), 0);
    assert.equal(valueOfAll([1, 2, 3], [12, 5, 0]), 5);
    assert.equal(valueOfAll([1, 2, 3], [12, 5, 6]), 6);
    assert.equal(valueOfAll([1, 2, 3], [12, 5, 4]), 5);
    assert.equal(valueOfAll([1, 2, 3], [100, 101, 103]), 101);
  });

  test('equals the best that any majority has reached', () => {
    fc.assert(
      fc.property(voterSet, fc.array(fc.nat(5), { minLength: 13, maxLength: 13 }), (voters, values) => {
        const valueFor = (id: number): number => values[id] ?? 0;
        assert.equal(majorityValue(voters, valueFor), naiveMajorityValue(voters, valueFor));
      }),
    );
  });

  test('also serves points in time, which may lie before zero or be missing', () => {
    assert.equal(valueOfAll([1, 2, 3], [-5, -7.5, Number.NEGATIVE_INFINITY]), -7.5);
    assert.equal(valueOfAll([1, 2], [3, Number.NEGATIVE_INFINITY]), Number.NEGATIVE_INFINITY);
  });

  test('asks each voter once and leaves the voter set alone', () => {
    const voters = Object.freeze([5, 3, 9, 1]);
    const asked: number[] = [];
    majorityValue(voters, (id) => asked.push(id));
    assert.deepEqual(asked, [5, 3, 9, 1]);
  });
});

describe('majorityVote', () => {
  test('Q-05 wins with a majority, is lost when none is possible any more, and pending between', () => {
    assert.equal(voteOf([1], '-'), 'pending');
    assert.equal(voteOf([1], 'n'), 'lost');
    assert.equal(voteOf([4, 8], 'n-'), 'lost');
    assert.equal(voteOf([4, 8], 'y-'), 'pending');
    assert.equal(voteOf([4, 8], 'yy'), 'won');
    assert.equal(voteOf([2, 4, 7], 'yn-'), 'pending');
    assert.equal(voteOf([2, 4, 7], 'yy-'), 'won');
    assert.equal(voteOf([2, 4, 7], 'nn-'), 'lost');
  });

  test('is won when some majority has granted, and lost when every one has a denial', () => {
    fc.assert(
      fc.property(voterSet, someVotes, (voters, votes) => {
        assert.equal(majorityVote(voters, votes), naiveMajorityVote(voters, votes));
      }),
    );
  });
});

describe('isMajority', () => {
  test('is true for exactly the sets that contain a majority', () => {
    fc.assert(
      fc.property(voterSet, someNodes, (voters, nodes) => {
        const granted = new Set(nodes);
        const expected = voters.length === 0 || naiveIsQuorum([voters], granted);
        assert.equal(
          isMajority(voters, (id) => granted.has(id)),
          expected,
        );
      }),
    );
  });

  test('agrees with the value and with the vote', () => {
    fc.assert(
      fc.property(voterSet, someNodes, (voters, nodes) => {
        const has = (id: number): boolean => nodes.includes(id);
        const votes = new Map(nodes.map((id) => [id, true]));
        assert.equal(majorityValue(voters, (id) => (has(id) ? 1 : 0)) >= 1, isMajority(voters, has));
        assert.equal(majorityVote(voters, votes) === 'won', isMajority(voters, has));
      }),
    );
  });
});

describe('the empty voter set', () => {
  test('Q-10 has reached everything and granted everything, so that it never blocks the other half', () => {
    assert.equal(
      majorityValue([], () => 7),
      Number.POSITIVE_INFINITY,
    );
    assert.equal(majorityVote([], new Map([[1, false]])), 'won');
    assert.equal(
      isMajority([], () => false),
      true,
    );
  });
});
