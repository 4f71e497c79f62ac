/** What a leader sends to one follower, and when it waits, as required of every implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import type { Message } from '../../../src/core/message.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { appendResponse, ELECTION_MAX_MS, effectsOf, HEARTBEAT_MS, sentMessages } from '../../support/core-kit.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

function proposeMany(node: SoloCore, count: number): Effect[] {
  const effects: Effect[] = [];
  for (let done = 0; done < count; done += 1) effects.push(...node.propose(`${done}`));
  return effects;
}

function typesTo(effects: readonly Effect[], peer: number): Message['type'][] {
  return sentMessages(effects)
    .filter(({ to }) => to === peer)
    .map(({ message }) => message.type);
}

test('F-01 appends are cut to the most entries allowed, without gap or overlap', () => {
  const node = new SoloCore({ voters: [1, 2] }, { maxPayloadEntries: 5, maxInflightAppends: 2 });
  node.becomeSettledLeader();
  node.propose(...Array.from({ length: 20 }, (_, position) => `${position}`));
  const seen = [...appendsTo(node.acknowledge(2, 6), 2), ...appendsTo(node.acknowledge(2, 11), 2)];
  assert.deepEqual(seen, [
    { prev: 11, toIndex: 17 },
    { prev: 16, toIndex: 22 },
  ]);
});

test('F-01 a follower that lacks twenty entries gets them in order', () => {
  const cluster = new CoreCluster({ voters: [1], learners: [2], options: { maxPayloadEntries: 5 } });
  const leader = cluster.elect(1);
  cluster.isolate(2);
  leader.propose(...Array.from({ length: 20 }, (_, position) => `${position}`));
  cluster.deliver();
  cluster.heal();
  const ranges: [prev: number, count: number][] = [];
  cluster.filter = ({ cargo }) => {
    if (cargo.type === 'message' && cargo.message.type === 'append-request' && cargo.message.entries.length > 0) {
      ranges.push([cargo.message.prevLogId.index, cargo.message.entries.length]);
    }
    return true;
  };
  cluster.advance(3 * HEARTBEAT_MS);
  assert.equal(cluster.node(2).appliedTexts.length, 20);
  assert.ok(ranges.every(([, count]) => count <= 5));
  const caughtUp = ranges.slice(ranges.findIndex(([prev]) => prev === 1));
  for (const [position, [prev, count]] of caughtUp.entries()) {
    const next = caughtUp[position + 1];
    if (next !== undefined) assert.equal(next[0], prev + count);
  }
});

test('F-02 heartbeats are small messages of their own, whatever is in flight', () => {
  const node = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 1] });
  const elected = node.becomeLeader();
  assert.deepEqual(
    [2, 3].map((peer) => appendsTo(elected, peer)),
    [[{ prev: 2, toIndex: 4 }], [{ prev: 2, toIndex: 4 }]],
    'the pending entries go out as appends',
  );
  const second = node.tickAt(HEARTBEAT_MS);
  assert.deepEqual(effectsOf(second, 'replicate'), [], 'nothing extra for what is in flight');
  for (const peer of [2, 3]) assert.deepEqual(typesTo(second, peer), ['heartbeat-request']);
  for (const peer of [2, 3]) node.acknowledge(peer);
  const third = node.tickAt(2 * HEARTBEAT_MS);
  assert.deepEqual(effectsOf(third, 'replicate'), []);
  for (const peer of [2, 3]) assert.deepEqual(typesTo(third, peer), ['heartbeat-request']);
});

test('F-03 writes go on without an unreachable follower, which is not tried at every write', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  let sent = 0;
  for (let write = 0; write < 10; write += 1) {
    const effects = node.propose(`${write}`);
    effects.push(...node.step({ type: 'peer-unreachable', peer: 3 }), ...node.acknowledge(2));
    sent += effectsOf(effects, 'replicate').length;
    node.applyAll();
  }
  assert.equal(node.core.state.commitIndex, 11);
  assert.ok(sent >= 10 && sent <= 40, `${sent} appends`);
  // The first sign of life brings everything.
  assert.deepEqual(appendsTo(node.beat(3, 1), 3), [{ prev: 1, toIndex: 12 }]);
});

test('F-03 an unreachable follower is still sent every heartbeat', () => {
  const node = new SoloCore({ voters: [1, 2, 3] });
  node.becomeSettledLeader();
  for (let nowMs = HEARTBEAT_MS; nowMs <= 10 * ELECTION_MAX_MS; nowMs += HEARTBEAT_MS) {
    const effects = [...node.propose('x'), ...node.step({ type: 'peer-unreachable', peer: 3 })];
    effects.push(...node.acknowledge(2), ...node.tickAt(nowMs), ...node.beat(2));
    assert.ok(typesTo(effects, 3).includes('heartbeat-request'));
    if (nowMs > HEARTBEAT_MS) assert.deepEqual(appendsTo(effects, 3), [], 'and nothing else, however long that takes');
  }
  assert.equal(node.core.state.role.name, 'leader');
});

test('F-04 the first answer ends the pause of a follower that was unreachable', () => {
  const cluster = new CoreCluster({ voters: [1, 2] });
  const leader = cluster.elect(1);
  cluster.isolate(2);
  for (const text of ['lost', 'lost too']) {
    leader.propose(text);
    cluster.deliver();
    leader.step({ type: 'peer-unreachable', peer: 2 });
  }
  cluster.heal();
  cluster.advance(HEARTBEAT_MS);
  const { nowMs } = cluster.clock;
  for (let write = 0; write < 10; write += 1) {
    leader.propose(`${write}`);
    cluster.deliver();
    assert.equal(leader.commitIndex, leader.lastLogId.index);
  }
  assert.equal(cluster.clock.nowMs, nowMs, 'no time passed');
  assert.deepEqual(cluster.node(2).appliedTexts, leader.appliedTexts);
});

describe('F-06 the window', () => {
  test('limits unanswered appends', () => {
    const node = new SoloCore({ voters: [1, 2] }, { maxInflightAppends: 4 });
    node.becomeSettledLeader();
    assert.equal(appendsTo(proposeMany(node, 4), 2).length, 4);
    assert.equal(appendsTo(proposeMany(node, 10), 2).length, 0);
    const freed = appendsTo(node.acknowledge(2, 2), 2);
    assert.deepEqual(freed, [{ prev: 5, toIndex: 16 }], 'one place is free: what waited goes as one append');
    assert.equal(appendsTo(proposeMany(node, 1), 2).length, 0);
    assert.equal(appendsTo(node.acknowledge(2, 15), 2).length, 1);
  });

  test('limits unanswered bytes', () => {
    const node = new SoloCore({ voters: [1, 2] }, { maxInflightBytes: 100 });
    node.becomeSettledLeader();
    // 49 bytes each: the third begins below the limit and may exceed it.
    assert.equal(appendsTo(proposeMany(node, 5), 2).length, 3);
    assert.equal(appendsTo(node.acknowledge(2, 4), 2).length, 1);
  });

  test('of one follower holds up no other', () => {
    const node = new SoloCore({ voters: [1, 2, 3] }, { maxInflightAppends: 1 });
    node.becomeSettledLeader();
    node.propose('x');
    node.acknowledge(3);
    const effects = node.propose('y');
    assert.deepEqual([appendsTo(effects, 2).length, appendsTo(effects, 3).length], [0, 1]);
  });
});

describe('F-08 while the position of a follower is unknown', () => {
  const probing = (): SoloCore => {
    const node = new SoloCore({ voters: [1, 2, 3] });
    node.becomeLeader();
    node.acknowledge(3);
    return node;
  };

  test('one append is under way, whatever is proposed', () => {
    const node = probing();
    assert.equal(appendsTo(proposeMany(node, 10), 2).length, 0);
    assert.equal(node.progressOf(2).state, 'probe');
  });

  test('an answer to a later heartbeat sends it once more', () => {
    const node = probing();
    proposeMany(node, 10);
    assert.deepEqual(appendsTo(node.beat(2, 0), 2), [], 'that heartbeat was sent with the append');
    node.tickAt(HEARTBEAT_MS);
    assert.equal(appendsTo(node.beat(2, 0), 2).length, 1);
    assert.equal(appendsTo(node.beat(2, 0), 2).length, 0, 'the same answer again is no news');
  });

  test('after a success it is replicated to as usual', () => {
    const node = probing();
    proposeMany(node, 10);
    assert.equal(appendsTo(node.acknowledge(2, 1), 2).length, 1);
    assert.equal(node.progressOf(2).state, 'replicate');
    assert.equal(appendsTo(proposeMany(node, 3), 2).length, 3);
  });

  test('heartbeats alone bring back a follower that was unreachable', () => {
    const cluster = new CoreCluster({ voters: [1, 2, 3] });
    const leader = cluster.elect(1);
    leader.step({ type: 'peer-unreachable', peer: 2 });
    cluster.advance(2 * HEARTBEAT_MS);
    const { role } = leader.core.state;
    assert.equal(role.name === 'leader' && role.leader.progress.get(2)?.state, 'replicate');
  });

  test('a refusal moves it back, and the next append follows at once', () => {
    const node = new SoloCore({ voters: [1, 2], logTerms: [1, 1, 1, 1, 1] });
    node.becomeLeader();
    const refusal = appendResponse(2, {
      success: false,
      prevIndex: 5,
      conflictHint: { term: 1, index: 2 },
      lastIndex: 2,
    });
    assert.deepEqual(appendsTo(node.receive(2, refusal), 2), [{ prev: 2, toIndex: 7 }]);
    assert.deepEqual(appendsTo(node.receive(2, refusal), 2), [], 'a duplicate is stale');
  });
});
