import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isQuorum, quorumValue, quorumVote } from '../../../src/core/quorum/joint.ts';
import { naiveIsQuorum, naiveQuorumValue, naiveQuorumVote } from './naive-quorum.ts';

type Configs = readonly number[][];

function commitOf(configs: Configs, acked: Readonly<Record<number, number>>): number {
  return quorumValue(configs, (id) => acked[id] ?? 0);
}

/** Is this exact set of nodes a quorum? */
function holdsQuorum(configs: Configs, nodes: readonly number[]): boolean {
  return isQuorum(configs, (id) => nodes.includes(id));
}

function grants(...ids: number[]): Map<number, boolean> {
  return new Map(ids.map((id) => [id, true]));
}

const nodeId = fc.integer({ min: 1, max: 9 });
const voterSet = fc.uniqueArray(nodeId, { maxLength: 5 });
const configs = fc.oneof(fc.array(voterSet, { maxLength: 2 }), fc.tuple(voterSet, voterSet));
const values = fc.array(fc.nat(5), { minLength: 10, maxLength: 10 });
const votes = fc
  .array(fc.tuple(nodeId, fc.boolean()), { maxLength: 12 })
  .map((all): ReadonlyMap<number, boolean> => new Map(all));

describe('quorumValue', () => {
  test('Q-03 is the lower of what both majorities have acknowledged', () => {
    assert.equal(commitOf([[1], [2]], { 1: 100 }), 0);
    assert.equal(commitOf([[1], [2]], { 1: 13, 2: 100 }), 13);
    assert.equal(commitOf([[1, 3], [2]], { 1: 100, 3: 45, 2: 50 }), 45);
    assert.equal(commitOf([[1, 2], [2]], { 1: 50, 2: 100 }), 50);
    assert.equal(
      commitOf(
        [
          [1, 2],
          [3, 4],
        ],
        { 1: 50, 2: 48, 3: 49, 4: 47 },
      ),
      47,
    );
    assert.equal(
      commitOf(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { 2: 99, 3: 90, 4: 97, 5: 95 },
      ),
      90,
    );
  });

  test('C-14 does not count nodes without a vote, and commits nothing without voters', () => {
    const acked = { 1: 8, 2: 8, 3: 8, 4: 4, 5: 4, 90: 10, 91: 10, 92: 10 };
    assert.equal(commitOf([[1, 2, 3, 4, 5]], acked), 8);
    assert.equal(commitOf([[1, 2, 3, 4, 5]], { ...acked, 90: 99, 91: 99, 92: 99 }), 8);
    assert.equal(
      quorumValue([[]], () => 10),
      0,
    );
    assert.equal(
      quorumValue([], () => 10),
      0,
    );
  });

  test('equals the naive twin', () => {
    fc.assert(
      fc.property(configs, values, (sets, valueById) => {
        const valueFor = (id: number): number => valueById[id] ?? 0;
        assert.equal(quorumValue(sets, valueFor), naiveQuorumValue(sets, valueFor));
      }),
    );
  });

  test('is reached by a quorum, and nothing above it is', () => {
    fc.assert(
      fc.property(configs, values, (sets, valueById) => {
        fc.pre(sets.flat().length > 0);
        const valueFor = (id: number): number => valueById[id] ?? 0;
        const value = quorumValue(sets, valueFor);
        assert.equal(
          isQuorum(sets, (id) => valueFor(id) >= value),
          true,
        );
        assert.equal(
          isQuorum(sets, (id) => valueFor(id) > value),
          false,
        );
      }),
    );
  });
});

describe('quorumVote', () => {
  test('Q-05 needs both majorities of a joint config, and is lost with either', () => {
    const answers = (...all: boolean[]): Map<number, boolean> =>
      new Map(all.map((vote, position) => [position + 1, vote]));
    assert.equal(quorumVote([[1], [2]], answers(true)), 'pending');
    assert.equal(quorumVote([[1], [2]], answers(true, false)), 'lost');
    assert.equal(quorumVote([[1], [2]], answers(true, true)), 'won');
    const pairs = [
      [1, 2],
      [3, 4],
    ];
    assert.equal(quorumVote(pairs, answers(true, true, true, false)), 'lost');
    assert.equal(quorumVote(pairs, answers(true, true, true, true)), 'won');
  });

  test('M-36 elects a candidate that is in both halves of a joint config only with a majority of each', () => {
    const joint = [
      [1, 2, 3],
      [3, 4, 5],
    ];
    assert.equal(quorumVote(joint, grants(3, 1)), 'pending');
    assert.equal(quorumVote(joint, grants(3, 1, 2)), 'pending');
    assert.equal(quorumVote(joint, grants(3, 4, 5)), 'pending');
    assert.equal(quorumVote(joint, grants(3, 1, 4)), 'won');
    assert.equal(quorumVote(joint, grants(3, 1, 2, 4)), 'won');
  });

  test('equals the naive twin', () => {
    fc.assert(
      fc.property(configs, votes, (sets, given) => {
        assert.equal(quorumVote(sets, given), naiveQuorumVote(sets, given));
      }),
    );
  });

  test('never takes back won or lost when more answers come in', () => {
    fc.assert(
      fc.property(configs, votes, votes, (sets, first, more) => {
        const before = quorumVote(sets, first);
        fc.pre(before !== 'pending');
        assert.equal(quorumVote(sets, new Map([...more, ...first])), before);
      }),
    );
  });
});

describe('isQuorum', () => {
  test('Q-07 is true for a majority of every voter set, whatever else is in the set', () => {
    const uniform = [[1, 2, 3, 4, 5]];
    assert.equal(holdsQuorum(uniform, [0]), false);
    assert.equal(holdsQuorum(uniform, [0, 1, 2]), false);
    assert.equal(holdsQuorum(uniform, [6, 7, 8]), false);
    assert.equal(holdsQuorum(uniform, [1, 2, 3]), true);
    assert.equal(holdsQuorum(uniform, [3, 4, 5]), true);
    assert.equal(holdsQuorum(uniform, [1, 3, 4, 5]), true);
    const joint = [
      [1, 2, 3, 4, 5],
      [6, 7, 8],
    ];
    assert.equal(holdsQuorum(joint, [0, 1, 2]), false);
    assert.equal(holdsQuorum(joint, [6, 7, 8]), false);
    assert.equal(holdsQuorum(joint, [1, 2, 3]), false);
    assert.equal(holdsQuorum(joint, [1, 2, 3, 6, 7]), true);
    assert.equal(holdsQuorum(joint, [1, 2, 3, 4, 7, 8]), true);
  });

  test('equals the naive twin', () => {
    fc.assert(
      fc.property(configs, fc.uniqueArray(nodeId), (sets, nodes) => {
        assert.equal(holdsQuorum(sets, nodes), naiveIsQuorum(sets, new Set(nodes)));
      }),
    );
  });

  test('any two quorums of one config have a voter in common', () => {
    fc.assert(
      fc.property(configs, fc.uniqueArray(nodeId), (sets, nodes) => {
        const others = sets.flat().filter((id) => !nodes.includes(id));
        assert.equal(holdsQuorum(sets, nodes) && holdsQuorum(sets, others), false);
      }),
    );
  });
});

describe('configurations with empty voter sets', () => {
  test('Q-10 an empty half of a joint config never blocks', () => {
    for (const sets of [
      [[1, 2, 3], []],
      [[], [1, 2, 3]],
    ]) {
      assert.equal(commitOf(sets, { 1: 7, 2: 5 }), 5);
      assert.equal(quorumVote(sets, grants(1)), 'pending');
      assert.equal(quorumVote(sets, grants(1, 2)), 'won');
      assert.equal(holdsQuorum(sets, [1]), false);
      assert.equal(holdsQuorum(sets, [1, 2]), true);
    }
  });

  test('Q-10 a configuration without voters decides nothing', () => {
    for (const sets of [[], [[]], [[], []]]) {
      assert.equal(commitOf(sets, { 1: 7 }), 0);
      assert.equal(quorumVote(sets, grants(1, 2, 3)), 'pending');
      assert.equal(holdsQuorum(sets, [1, 2, 3]), false);
    }
  });
});
