/** Snapshots on whole nodes: built, sent, received, and what becomes of the log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SnapshotResponse } from '../../src/core/message.ts';
import { SnapshotError } from '../../src/errors.ts';
import type { SnapshotHeader } from '../../src/ports/network.ts';
import type { SnapshotStore } from '../../src/ports/snapshot-store.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import type { Cluster, KvNode } from '../support/cluster.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';
import { collect } from '../support/collect.ts';
import { Gate } from '../support/gate.ts';
import { override } from '../support/override.ts';

const NO_SNAPSHOTS = { snapshotLogsSinceLast: 0 };

async function writeConcurrently(node: KvNode, clients: number, each: number): Promise<void> {
  await Promise.all(Array.from({ length: clients }, (_, client) => writeMany(node, each, `k${client}`)));
}

function stateOf(cluster: Cluster, id: number): readonly unknown[] {
  return [...cluster.member(id).stateMachine.state];
}

describe('building snapshots', () => {
  test('S-03 without a policy none is built, but one can be asked for', async (t) => {
    const cluster = await startCluster(t, { ids: [1], config: NO_SNAPSHOTS });
    const { raft } = cluster.node(1);
    await writeConcurrently(cluster.node(1), 60, 100);
    assert.equal(await raft.getSnapshot(), null);
    assert.equal(raft.metrics().snapshot.index, 0);
    const snapshot = await raft.trigger().snapshot();
    assert.equal(snapshot?.meta.lastLogId.index, 6002);
    await raft.wait().snapshot({ term: 1, index: 6002 });
  });

  test('S-04 every node builds its own on demand', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], config: NO_SNAPSHOTS });
    for (const id of [2, 1]) {
      const { raft } = cluster.node(id);
      assert.equal(await raft.getSnapshot(), null);
      const built = await raft.trigger().snapshot();
      const { lastApplied } = raft.metrics();
      assert.deepEqual(built?.meta.lastLogId, lastApplied);
      const reader = await raft.getSnapshot();
      assert.deepEqual(reader?.snapshot, built);
      await reader?.close();
      await writeMany(cluster.node(1), 10);
    }
    assert.equal(cluster.node(1).metrics().snapshot.index, 12);
  });

  test('S-05 a second one without an entry in between is not needed, and does no harm', async (t) => {
    const cluster = await startCluster(t, { ids: [1], config: NO_SNAPSHOTS });
    const { raft } = cluster.node(1);
    const first = await raft.trigger().snapshot();
    assert.equal(await raft.trigger().snapshot(), null);
    const reader = await raft.getSnapshot();
    assert.deepEqual(reader?.snapshot, first);
    await reader?.close();
    const { data } = await raft.clientWrite({ key: 'a', value: 1 });
    assert.equal(data, null);
  });

  test('S-07 while one is being built, entries are taken in', async (t) => {
    const gate = new Gate();
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: NO_SNAPSHOTS,
      adapt: (parts, id) => (id === 2 ? { ...parts, snapshotStore: withSlowWrites(parts.snapshotStore, gate) } : parts),
    });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    await cluster.applied(3);
    const building = cluster.node(2).raft.trigger().snapshot();
    const startedMs = systemClock.nowMs();
    // Committed by the only other voter, in whose state machine the snapshot is being read.
    await cluster.node(1).raft.clientWrite({ key: 'a', value: 2 });
    assert.ok(systemClock.nowMs() - startedMs < 500);
    assert.equal(cluster.node(2).metrics().lastLogIndex, 4);
    gate.open();
    assert.equal((await building)?.meta.lastLogId.index, 3);
    await cluster.applied(4);
  });

  test('S-17 a snapshot holds the membership, wherever its entry went', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: { snapshotLogsSinceLast: 10, maxInSnapshotLogToKeep: 3 },
    });
    const node = cluster.node(1);
    for (const target of [10, 20]) {
      await writeMany(node, 10);
      const { snapshot } = await node.wait().metrics((m) => m.snapshot.index >= target, `a snapshot at ${target}`);
      await node.wait().metrics((m) => m.purged.index >= snapshot.index - 3, 'the log to be purged');
      const reader = await node.raft.getSnapshot();
      assert.deepEqual(reader?.snapshot.meta.membership.membership.configs, [[1, 2]]);
      await reader?.close();
      assert.deepEqual(node.metrics().membership.membership.configs, [[1, 2]]);
    }
    await cluster.restart(1);
    assert.deepEqual(cluster.node(1).metrics().membership.membership.configs, [[1, 2]]);
    const leader = await cluster.leader();
    assert.equal(await leader.propose({ key: 'k', value: 'after' }), 10);
  });
});

describe('sending snapshots', () => {
  test('S-13 who needs entries that are gone gets a snapshot, then entries', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      spares: [2],
      config: { snapshotLogsSinceLast: 20, maxInSnapshotLogToKeep: 0 },
    });
    const { raft } = cluster.node(1);
    await writeMany(cluster.node(1), 20);
    const { snapshot } = await raft.wait().metrics((m) => m.purged.index >= 20, 'the log to be purged');
    await writeMany(cluster.node(1), 9, 'later');
    await raft.addLearner(2, { addr: addressOf(2) });
    const { lastLogIndex } = raft.metrics();
    assert.equal(lastLogIndex, 32);
    await cluster.applied(lastLogIndex);
    assert.deepEqual(cluster.node(2).metrics().snapshot, snapshot);
    assert.deepEqual(stateOf(cluster, 2), stateOf(cluster, 1));
    const { data } = await raft.clientWrite({ key: 'k', value: 'next' });
    assert.equal(data, 20);
    await cluster.applied(lastLogIndex + 1);
    const received = cluster.member(2).journal.map(({ context }) => context.logId.index);
    assert.ok(received.every((index) => index > snapshot.index));
    assert.equal(received.at(-1), lastLogIndex + 1);
  });

  test('S-27 a snapshot larger than a chunk arrives in several', async (t) => {
    const sizes: number[] = [];
    const cluster = await startCluster(t, {
      ids: [1],
      spares: [2],
      config: { ...NO_SNAPSHOTS, maxInSnapshotLogToKeep: 0, snapshotChunkBytes: 10 },
      adapt: (parts, id) =>
        id === 2 ? { ...parts, snapshotStore: notingWrites(parts.snapshotStore, (bytes) => sizes.push(bytes)) } : parts,
    });
    const { raft } = cluster.node(1);
    await writeConcurrently(cluster.node(1), 10, 2);
    const snapshot = await raft.trigger().snapshot();
    assert.ok(snapshot !== null);
    await raft.wait().purged(snapshot.meta.lastLogId);
    await raft.addLearner(2, { addr: addressOf(2) });
    await cluster.applied(raft.metrics().lastLogIndex);
    assert.deepEqual(stateOf(cluster, 2), stateOf(cluster, 1));
    assert.ok(sizes.length >= snapshot.sizeBytes / 10);
    assert.ok(sizes.every((bytes) => bytes <= 10));
    assert.equal(
      sizes.reduce((sum, bytes) => sum + bytes, 0),
      snapshot.sizeBytes,
    );
  });
});

describe('receiving a whole snapshot through the API', () => {
  interface Sender {
    readonly node: KvNode;
    readonly bytes: Uint8Array;
    readonly header: (id: string) => SnapshotHeader;
  }

  /** A node with a state and its snapshot, and one without anything that follows it. */
  async function start(cluster: Cluster): Promise<Sender> {
    const node = cluster.node(1);
    await writeConcurrently(node, 5, 2);
    const built = await node.raft.trigger().snapshot();
    const reader = await node.raft.getSnapshot();
    assert.ok(reader !== null && built !== null);
    const bytes = Buffer.concat(await collect(reader.chunks(0)));
    await reader.close();
    const header = (id: string): SnapshotHeader => {
      const meta = { ...built.meta, id };
      return { offer: { term: node.metrics().currentTerm, session: 1, meta }, snapshot: { ...built, meta } };
    };
    return { node, bytes, header };
  }

  /** Three bytes at a time; breaks off before `endOffset`. */
  async function* piecesOf(bytes: Uint8Array, fromOffset: number, endOffset: number): AsyncGenerator<Uint8Array> {
    for (let offset = fromOffset; offset < bytes.byteLength; offset += 3) {
      if (offset >= endOffset) throw new Error('the line broke');
      yield bytes.subarray(offset, offset + 3);
    }
  }

  test('S-25 a broken stream is resumed where it broke, another snapshot starts from the beginning', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2], config: NO_SNAPSHOTS });
    const { bytes, header } = await start(cluster);
    const { raft } = cluster.node(2);
    const asked: number[] = [];
    const send = (id: string, endOffset: number) =>
      raft.installFullSnapshot(1, header(id), (fromOffset) => {
        asked.push(fromOffset);
        return piecesOf(bytes, fromOffset, endOffset);
      });
    await assert.rejects(send('ss1', 6), /the line broke/);
    await assert.rejects(send('ss1', 12), /the line broke/);
    await assert.rejects(send('ss2', 3), /the line broke/);
    assert.equal(raft.metrics().lastApplied.index, 0);
    const answer = (await send('ss2', Number.POSITIVE_INFINITY)) as SnapshotResponse;
    assert.deepEqual(asked, [0, 6, 0, 3]);
    const { index } = header('ss2').offer.meta.lastLogId;
    assert.deepEqual([answer.type, answer.matchIndex], ['snapshot-response', index]);
    assert.equal(raft.metrics().lastApplied.index, index);
    assert.deepEqual(stateOf(cluster, 2), stateOf(cluster, 1));
    // What is here already is not streamed again.
    const again = (await send('ss3', Number.POSITIVE_INFINITY)) as SnapshotResponse;
    assert.equal(again.matchIndex, index);
    assert.equal(asked.length, 4);
  });

  test('S-25 gaps and damage are noticed, and nothing is installed', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2], config: NO_SNAPSHOTS });
    const { bytes, header } = await start(cluster);
    const { raft } = cluster.node(2);
    const damaged = Uint8Array.from(bytes, (byte, offset) => (offset === 7 ? byte ^ 1 : byte));
    const streams = [
      // A gap: the first bytes are missing.
      () => piecesOf(bytes, 3, Number.POSITIVE_INFINITY),
      () => piecesOf(bytes.subarray(0, 9), 0, Number.POSITIVE_INFINITY),
      () => piecesOf(damaged, 0, Number.POSITIVE_INFINITY),
    ];
    for (const [position, stream] of streams.entries()) {
      await assert.rejects(raft.installFullSnapshot(1, header(`ss${position}`), stream), SnapshotError);
      assert.equal(raft.metrics().lastApplied.index, 0);
      assert.equal(await raft.getSnapshot(), null);
    }
  });

  test('S-25 an outdated leader is refused before it streams anything', async (t) => {
    const cluster = await startCluster(t, { ids: [1], spares: [2], config: NO_SNAPSHOTS });
    const { bytes, header } = await start(cluster);
    const { raft } = cluster.node(2);
    const lastLogId = { term: 9, index: 9 };
    await raft.vote(3, { type: 'vote-request', term: 9, lastLogId, transfer: false });
    let isStreamed = false;
    const answer = await raft.installFullSnapshot(1, header('ss1'), (fromOffset) => {
      isStreamed = true;
      return piecesOf(bytes, fromOffset, Number.POSITIVE_INFINITY);
    });
    assert.deepEqual(answer, { type: 'snapshot-response', term: 9, session: 1, matchIndex: 0 });
    assert.equal(isStreamed, false);
  });
});

function withSlowWrites(store: SnapshotStore, gate: Gate): SnapshotStore {
  const create: SnapshotStore['create'] = async (meta, codecId) => {
    const writer = await store.create(meta, codecId);
    const write = async (chunk: Uint8Array): Promise<void> => {
      await gate.opened;
      await writer.write(chunk);
    };
    return override(writer, { write });
  };
  return override(store, { create });
}

function notingWrites(store: SnapshotStore, note: (bytes: number) => void): SnapshotStore {
  const create: SnapshotStore['create'] = async (meta, codecId) => {
    const writer = await store.create(meta, codecId);
    const write = async (chunk: Uint8Array): Promise<void> => {
      note(chunk.byteLength);
      await writer.write(chunk);
    };
    return override(writer, { write });
  };
  return override(store, { create });
}
