/** How much goes to a peer, and when. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../../src/core/effect.ts';
import type { NodeId } from '../../../src/core/ids.ts';
import type { HeartbeatRequest } from '../../../src/core/message.ts';
import { CoreCluster } from '../../support/core-cluster.ts';
import { ELECTION_MAX_MS, effectsOf, HEARTBEAT_MS, sentMessages } from '../../support/core-kit.ts';
import { appendsTo, SoloCore } from '../../support/solo-core.ts';

/** Heartbeats that leave, to whom and what they say. */
function heartbeats(effects: readonly Effect[]): { to: NodeId; message: HeartbeatRequest }[] {
  return sentMessages(effects).flatMap(({ to, message }) =>
    message.type === 'heartbeat-request' ? [{ to, message }] : [],
  );
}

test('F-01 no append has more entries than allowed, and they follow each other without gap or overlap', () => {
  const cluster = new CoreCluster({ voters: [1, 2, 3], options: { maxPayloadEntries: 5 } });
  const leader = cluster.elect(1);
  cluster.isolate(3);
  for (let number = 0; number < 20; number += 1) leader.propose(`x${number}`);
  cluster.advance(300);
  const ranges: number[][] = [];
  cluster.onArrival = ({ to, cargo }, isLost) => {
    if (isLost || to !== 3 || cargo.type !== 'message' || cargo.message.type !== 'append-request') return;
    if (cargo.message.entries.length > 0) ranges.push(cargo.message.entries.map((entry) => entry.logId.index));
  };
  cluster.heal();
  cluster.advance(500);
  assert.deepEqual(
    ranges.flat(),
    Array.from({ length: 20 }, (_, offset) => offset + 2),
  );
  assert.ok(ranges.every((range) => range.length <= 5));
  assert.deepEqual(cluster.node(3).appliedTexts, leader.appliedTexts);
});

test('F-02 a heartbeat sends nothing again that is under way, and is all there is once everything arrived', () => {
  const leader = new SoloCore({ voters: [1, 2, 3], logTerms: [1, 1, 2], committed: 1 });
  const first = leader.becomeLeader();
  for (const peer of [2, 3]) assert.deepEqual(appendsTo(first, peer), [{ prev: 3, toIndex: 5 }]);

  const second = leader.tickAt(HEARTBEAT_MS);
  assert.deepEqual(effectsOf(second, 'replicate'), []);
  assert.deepEqual(
    heartbeats(second).map(({ to, message }) => [to, message.commitIndex]),
    [
      [2, 0],
      [3, 0],
    ],
  );

  for (const peer of [2, 3]) leader.acknowledge(peer);
  const third = leader.tickAt(2 * HEARTBEAT_MS);
  assert.deepEqual(effectsOf(third, 'replicate'), []);
  assert.deepEqual(
    heartbeats(third).map(({ to, message }) => [to, message.commitIndex]),
    [
      [2, 4],
      [3, 4],
    ],
  );
});

test('F-03 an unreachable peer is not sent every write, yet every heartbeat', () => {
  const leader = new SoloCore({ voters: [1, 2, 3] });
  leader.becomeSettledLeader();
  const effects: Effect[] = [];
  for (let number = 1; number <= 10; number += 1) {
    effects.push(...leader.propose(`x${number}`), ...leader.acknowledge(2));
    effects.push(...leader.step({ type: 'peer-unreachable', peer: 3 }));
    effects.push(...leader.tickAt(number * HEARTBEAT_MS));
  }
  assert.equal(leader.core.state.commitIndex, 11);
  assert.equal(appendsTo(effects, 2).length, 10);
  assert.deepEqual(appendsTo(effects, 3), [{ prev: 1, toIndex: 3 }]);
  assert.ok(heartbeats(effects).filter(({ to }) => to === 3).length >= 10);
});

test('F-04 the first answer ends the pause of an unreachable peer', () => {
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
  for (let number = 0; number < 10; number += 1) {
    leader.propose(`x${number}`);
    cluster.deliver();
    assert.equal(leader.commitIndex, leader.lastLogId.index);
  }
  assert.equal(cluster.clock.nowMs, nowMs, 'no time passed');
  assert.deepEqual(cluster.node(2).appliedTexts, leader.appliedTexts);
});

describe('the window', () => {
  test('F-06 in messages: once it is full nothing is sent until an answer comes', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] }, { maxInflightAppends: 3 });
    leader.becomeSettledLeader();
    const sent: number[] = [];
    for (let number = 1; number <= 13; number += 1) sent.push(appendsTo(leader.propose(`x${number}`), 2).length);
    assert.deepEqual(sent, [1, 1, 1, ...new Array<number>(10).fill(0)]);
    assert.equal(leader.progressOf(2).inflights.count, 3);
    // One answer makes room for one message, which takes all that waited.
    assert.deepEqual(appendsTo(leader.acknowledge(2, 2), 2), [{ prev: 4, toIndex: 15 }]);
    assert.deepEqual(appendsTo(leader.propose('y'), 2), []);
    assert.deepEqual(appendsTo(leader.acknowledge(2, 14), 2), [{ prev: 14, toIndex: 16 }]);
    assert.equal(leader.progressOf(2).inflights.count, 1);
  });

  test('F-06 in bytes: one message may exceed it, the next waits', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] }, { maxInflightBytes: 1000 });
    leader.becomeSettledLeader();
    const large = 'x'.repeat(900);
    assert.equal(appendsTo(leader.propose(large), 2).length, 1);
    assert.equal(appendsTo(leader.propose(large), 2).length, 1);
    assert.equal(appendsTo(leader.propose('y'), 2).length, 0);
    assert.ok(leader.progressOf(2).inflights.bytes > 1000);
    assert.deepEqual(appendsTo(leader.acknowledge(2, 3), 2), [{ prev: 3, toIndex: 5 }]);
  });

  test('F-06 of one peer says nothing about another', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] }, { maxInflightAppends: 1 });
    leader.becomeSettledLeader();
    leader.propose('x');
    leader.acknowledge(3);
    const effects = leader.propose('y');
    assert.deepEqual([appendsTo(effects, 2).length, appendsTo(effects, 3).length], [0, 1]);
  });
});

describe('a peer whose position is unknown', () => {
  test('F-08 gets one append at a time, and everything once it accepted one', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] });
    leader.becomeLeader();
    const effects = Array.from({ length: 10 }, (_, number) => leader.propose(`x${number}`)).flat();
    assert.deepEqual(appendsTo(effects, 2), []);
    assert.deepEqual([leader.progressOf(2).state, leader.progressOf(2).isPaused], ['probe', true]);
    assert.deepEqual(appendsTo(leader.acknowledge(2, 1), 2), [{ prev: 1, toIndex: 12 }]);
    assert.equal(leader.progressOf(2).state, 'replicate');
    assert.deepEqual(appendsTo(leader.propose('y'), 2), [{ prev: 11, toIndex: 13 }]);
  });

  test('F-08 an answer to a heartbeat that was sent later than the append makes it be sent once more', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] });
    leader.becomeLeader();
    for (let number = 0; number < 10; number += 1) leader.propose(`x${number}`);
    // This heartbeat left together with the append, and may have overtaken it.
    assert.deepEqual(appendsTo(leader.beat(2), 2), []);
    leader.tickAt(HEARTBEAT_MS);
    assert.deepEqual(appendsTo(leader.beat(2), 2), [{ prev: 0, toIndex: 12 }]);
    assert.deepEqual(appendsTo(leader.beat(2), 2), []);
  });

  test('F-08 a caught-up peer that was marked unreachable comes back by heartbeats alone', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] });
    leader.becomeSettledLeader();
    leader.step({ type: 'peer-unreachable', peer: 2 });
    assert.deepEqual([leader.progressOf(2).state, leader.progressOf(2).isPaused], ['probe', true]);
    leader.tickAt(HEARTBEAT_MS);
    assert.deepEqual(appendsTo(leader.beat(2), 2), [{ prev: 1, toIndex: 2 }]);
    leader.acknowledge(2, 1);
    assert.equal(leader.progressOf(2).state, 'replicate');
  });

  test('F-08 as long as it says nothing it gets no append, however long that takes', () => {
    const leader = new SoloCore({ voters: [1, 2, 3] });
    leader.becomeSettledLeader();
    leader.step({ type: 'peer-unreachable', peer: 2 });
    const effects: Effect[] = [];
    for (let nowMs = HEARTBEAT_MS; nowMs <= 10 * ELECTION_MAX_MS; nowMs += HEARTBEAT_MS) {
      effects.push(...leader.tickAt(nowMs), ...leader.beat(3), ...leader.propose('x'), ...leader.acknowledge(3));
    }
    assert.deepEqual(appendsTo(effects, 2), []);
    assert.equal(leader.core.state.role.name, 'leader');
  });
});
