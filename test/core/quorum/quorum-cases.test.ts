import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quorumValue, quorumVote } from '../../../src/core/quorum/joint.ts';
import { majorityValue, majorityVote } from '../../../src/core/quorum/majority.ts';
import table from './quorum-cases.json' with { type: 'json' };

/** One case, as the table writes it: a commit case has `acked`, a vote case `votes`, a joint one `votersOutgoing`. */
interface QuorumCase {
  readonly id: string;
  readonly kind: string;
  readonly voters: readonly number[];
  readonly votersOutgoing?: readonly number[];
  readonly acked?: Readonly<Record<string, number | undefined>>;
  readonly votes?: Readonly<Record<string, string | undefined>>;
  readonly expected: number | string;
}

const cases: readonly QuorumCase[] = table.cases;

function ackedBy({ acked }: QuorumCase): (id: number) => number {
  assert.ok(acked !== undefined);
  return (id) => acked[String(id)] ?? 0;
}

function votesOf({ votes }: QuorumCase): Map<number, boolean> {
  assert.ok(votes !== undefined);
  return new Map(Object.entries(votes).map(([id, vote]) => [Number(id), vote === 'grant']));
}

function configsOf({ voters, votersOutgoing }: QuorumCase): (readonly number[])[] {
  assert.ok(votersOutgoing !== undefined);
  return [voters, votersOutgoing];
}

function resultOf(quorumCase: QuorumCase): number | string {
  switch (quorumCase.kind) {
    case 'majority-commit':
      return majorityValue(quorumCase.voters, ackedBy(quorumCase));
    case 'majority-vote':
      return majorityVote(quorumCase.voters, votesOf(quorumCase));
    case 'joint-commit':
      return quorumValue(configsOf(quorumCase), ackedBy(quorumCase));
    case 'joint-vote':
      return quorumVote(configsOf(quorumCase), votesOf(quorumCase));
    default:
      throw new Error(`unknown kind of case: ${quorumCase.kind}`);
  }
}

describe('the table of quorum cases', () => {
  for (const quorumCase of cases) {
    const { id, kind, expected } = quorumCase;
    const isVoteless = kind === 'joint-vote' && configsOf(quorumCase).flat().length === 0;
    if (isVoteless) {
      test(`${id}: each empty half is ${expected}, but a configuration without voters elects nobody`, () => {
        for (const half of configsOf(quorumCase)) {
          assert.equal(majorityVote(half, votesOf(quorumCase)), expected);
        }
        assert.equal(resultOf(quorumCase), 'pending');
      });
    } else {
      test(`${id}: ${kind} gives ${expected}`, () => {
        assert.equal(resultOf(quorumCase), expected === 'infinity' ? Number.POSITIVE_INFINITY : expected);
      });
    }
  }

  test('has all kinds of cases, with unique ids', () => {
    assert.equal(new Set(cases.map(({ id }) => id)).size, 75);
    assert.deepEqual([...new Set(cases.map(({ kind }) => kind))].sort(), [
      'joint-commit',
      'joint-vote',
      'majority-commit',
      'majority-vote',
    ]);
  });
});
