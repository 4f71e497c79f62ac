/**
 * A leader elsewhere counted commits on progress that it kept sorted as it went, and found a quorum where there was
 * none. Here every count is taken afresh; these are the histories that such a shortcut gets wrong.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { quorumValue } from '../../../src/core/quorum/joint.ts';
import { naiveQuorumValue } from './naive-quorum.ts';

/** What a leader sees: acknowledgements in any order, a follower that lost its log, voters that come and go. */
type Step =
  | { readonly type: 'acknowledge'; readonly id: number; readonly index: number }
  | { readonly type: 'forget'; readonly id: number }
  | { readonly type: 'configure'; readonly configs: number[][] };

const nodeId = fc.integer({ min: 1, max: 7 });
const voterSet = fc.uniqueArray(nodeId, { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('acknowledge'), id: nodeId, index: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget'), id: nodeId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('configure'),
      configs: fc.array(voterSet, { minLength: 1, maxLength: 2 }),
    }),
  },
);

describe('no commit on a false quorum', () => {
  test('five voters: every order of arrival of every three acknowledgements commits at the third', () => {
    const voters = [1, 2, 3, 4, 5];
    let orders = 0;
    for (const first of voters) {
      for (const second of voters.filter((id) => id !== first)) {
        for (const third of voters.filter((id) => id !== first && id !== second)) {
          const acked = new Map<number, number>();
          const commits: number[] = [];
          for (const id of [first, second, third]) {
            acked.set(id, 9);
            commits.push(quorumValue([voters], (voter) => acked.get(voter) ?? 0));
          }
          assert.deepEqual(commits, [0, 0, 9]);
          orders += 1;
        }
      }
    }
    assert.equal(orders, 60);
  });

  test('five voters: one voter that overtakes the others again and again commits nothing alone', () => {
    const acked = new Map([
      [1, 10],
      [2, 3],
      [3, 2],
      [4, 1],
      [5, 0],
    ]);
    for (let index = 1; index <= 12; index += 1) {
      acked.set(5, index);
      const value = quorumValue([[1, 2, 3, 4, 5]], (id) => acked.get(id) ?? 0);
      assert.equal(value, index < 2 ? 2 : Math.min(index, 3));
    }
  });

  test('a shrinking voter set: who left no longer counts, and who stayed counts with what it has', () => {
    const acked = { 1: 3, 2: 4, 3: 9, 4: 9, 5: 9 };
    const commitOf = (...configs: number[][]): number => quorumValue(configs, (id) => acked[id as keyof typeof acked]);
    assert.equal(commitOf([1, 2, 3, 4, 5]), 9);
    assert.equal(commitOf([1, 2, 3, 4, 5], [1, 2, 3, 4]), 4);
    assert.equal(commitOf([1, 2, 3, 4]), 4);
    assert.equal(commitOf([1, 2, 3, 4], [1, 2]), 3);
    assert.equal(commitOf([1, 2]), 3);
    assert.equal(commitOf([1]), 3);
  });

  test('any history: the commit index is that of a count by definition, after every step', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const acked = new Map<number, number>();
        const valueFor = (id: number): number => acked.get(id) ?? 0;
        let configs = [[1, 2, 3, 4, 5]];
        for (const next of steps) {
          if (next.type === 'acknowledge') {
            acked.set(next.id, next.index);
          } else if (next.type === 'forget') {
            acked.delete(next.id);
          } else {
            configs = next.configs;
          }
          assert.equal(quorumValue(configs, valueFor), naiveQuorumValue(configs, valueFor));
        }
      }),
    );
  });
});
