/** Reads on a leader: how many rounds they take, and what confirms them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import { effectsOf, HEARTBEAT_MS, onlyEffect } from '../../support/core-kit.ts';
import { SoloCore } from '../../support/solo-core.ts';

function settled(voters = [1, 2, 3]): SoloCore {
  const node = new SoloCore({ voters });
  node.becomeSettledLeader();
  return node;
}

function read(node: SoloCore, ...ids: number[]): Effect[] {
  return node.step(...ids.map((id) => ({ type: 'read', id, policy: 'read-index' }) as const));
}

function granted(effects: readonly Effect[]): number[] {
  return effectsOf(effects, 'read-granted').map(({ id }) => id);
}

describe('reads', () => {
  test('of one batch share a round', () => {
    const node = settled();
    const before = node.leader().rounds.current;
    const effects = read(node, 1, 2, 3);
    assert.equal(node.leader().rounds.current, before + 1);
    assert.equal(effectsOf(effects, 'send').length, 2, 'one heartbeat a peer');
    assert.deepEqual(granted(node.beat(2)), [1, 2, 3]);
  });

  test('that arrive during a round start the next one when it ends', () => {
    const node = settled();
    read(node, 1);
    const during = read(node, 2, 3);
    assert.deepEqual(effectsOf(during, 'send'), []);
    const round = node.leader().rounds.current;
    assert.deepEqual(granted(node.beat(2)), [1]);
    assert.equal(node.leader().rounds.current, round + 1);
    assert.deepEqual(granted(node.beat(3)), [2, 3]);
  });

  test('of five voters need two answers', () => {
    const node = settled([1, 2, 3, 4, 5]);
    read(node, 1);
    assert.deepEqual(granted(node.beat(2)), []);
    assert.deepEqual(granted(node.beat(2)), [], 'the same one twice is one');
    assert.deepEqual(granted(node.beat(4)), [1]);
  });

  test('are not confirmed by learners', () => {
    const node = new SoloCore({ voters: [1, 2, 3], learners: [4] });
    node.becomeSettledLeader();
    read(node, 1);
    assert.deepEqual(granted(node.beat(4)), []);
    assert.deepEqual(granted(node.beat(3)), [1]);
  });

  test('are not confirmed by an answer to a round that never was', () => {
    const node = settled();
    read(node, 1);
    const { session } = node.progressOf(2);
    const round = node.leader().rounds.current + 5;
    const effects = node.receive(2, { type: 'heartbeat-response', term: 1, session, round, verifiedIndex: 1 });
    assert.deepEqual(granted(effects), []);
  });

  test('of a joint config need both halves', () => {
    const joint = [
      [1, 2, 3],
      [1, 4, 5],
    ];
    const node = new SoloCore({ voters: joint });
    node.becomeLeader();
    read(node, 1);
    assert.deepEqual(granted(node.beat(2, 0)), []);
    assert.deepEqual(granted(node.beat(3, 0)), []);
    assert.deepEqual(granted(node.beat(4, 0)), [1]);
  });

  test('beyond the limit are refused at once', () => {
    const node = new SoloCore({ voters: [1, 2, 3] }, { maxPendingReads: 2 });
    node.becomeSettledLeader();
    const effects = read(node, 1, 2, 3);
    const { id, refusal } = onlyEffect(effects, 'read-refused');
    assert.deepEqual([id, refusal], [3, { code: 'too-many-reads', limit: 2 }]);
  });

  test('that were given up make room for the next round', () => {
    const node = settled();
    read(node, 1);
    read(node, 2);
    const expired = node.tickAt(HEARTBEAT_MS);
    assert.deepEqual(
      effectsOf(expired, 'read-refused').map(({ id }) => id),
      [1],
    );
    assert.deepEqual(granted(node.beat(2)), [2]);
  });
});
