/** The algebra of configuration changes, seen through a leader that carries them out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '../../../src/core/ids.ts';
import type { MembershipChange } from '../../../src/core/membership/change.ts';
import { learnerIds, voterIds } from '../../../src/core/membership/membership.ts';
import { effectsOf, nodesOf } from '../../support/core-kit.ts';
import { SoloCore } from '../../support/solo-core.ts';

interface Shape {
  readonly configs: readonly (readonly NodeId[])[];
  readonly learners: readonly NodeId[];
}

function shapeOf(node: SoloCore): Shape {
  const { membership } = node.core.state.membership.effective;
  return { configs: membership.configs, learners: learnerIds(membership) };
}

function change(node: SoloCore, id: number, wanted: MembershipChange): void {
  node.step({ type: 'change-membership', id, change: wanted, retain: true });
}

/** Node 2 is a learner of node 1 and holds everything. */
function leaderWithLearner(): SoloCore {
  const node = new SoloCore({ voters: [1], learners: [2] });
  node.becomeSettledLeader();
  return node;
}

test('G-06 a voter that becomes a learner votes until the joint config is left, and keeps its progress', () => {
  const node = leaderWithLearner();
  const before = node.progressOf(2);
  change(node, 1, { type: 'replace-all-voters', ids: [2] });
  assert.deepEqual(shapeOf(node), { configs: [[1], [2]], learners: [] });
  assert.equal(node.progressOf(2), before, 'the progress is the old one');
  const { matchIndex } = before;
  assert.ok(matchIndex > 0);
  // The old voter alone decides nothing, nor does the new one without it.
  assert.ok(node.core.state.commitIndex < node.core.state.log.lastIndex);
  node.isDiskSlow = true;
  node.acknowledge(2);
  node.flushDisk();
  assert.deepEqual(shapeOf(node), { configs: [[2]], learners: [1] });
  assert.equal(node.progressOf(2), before);
});

test('G-06 the progress of a demoted follower is not reset', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  const before = node.progressOf(3);
  const { session } = before;
  change(node, 1, { type: 'replace-all-voters', ids: [1, 2] });
  for (let step = 0; step < 2; step += 1) for (const peer of [2, 3]) node.acknowledge(peer);
  assert.deepEqual(shapeOf(node), { configs: [[1, 2]], learners: [3] });
  assert.equal(node.progressOf(3), before);
  assert.equal(before.session, session);
  assert.equal(before.state, 'replicate');
});

test('G-11 one request adds a voter, demotes another and adds a learner', () => {
  const node = leaderWithLearner();
  const request: MembershipChange = {
    type: 'batch',
    changes: [
      { type: 'add-nodes', nodes: nodesOf([3]) },
      { type: 'add-voter-ids', ids: [2] },
      { type: 'remove-voters', ids: [1] },
    ],
  };
  change(node, 1, request);
  assert.deepEqual(shapeOf(node), { configs: [[1], [2]], learners: [3] });
  node.acknowledge(2);
  const done = node.acknowledge(2);
  assert.deepEqual(shapeOf(node), { configs: [[2]], learners: [1, 3] });
  const [outcome] = effectsOf(done, 'membership-changed');
  assert.deepEqual(outcome && voterIds(outcome.result.membership), [2]);
});
