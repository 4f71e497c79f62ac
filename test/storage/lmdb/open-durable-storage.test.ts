import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import type { Membership } from '../../../src/core/membership/membership.ts';
import { MemHub } from '../../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../src/node/consensus-node-builder.ts';
import type { LogStore } from '../../../src/ports/log-store.ts';
import type { StateMachine } from '../../../src/ports/state-machine.ts';
import type { DurableStorage } from '../../../src/storage/lmdb/index.ts';
import { LmdbStateMachine, openDurableStorage } from '../../../src/storage/lmdb/index.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import { basicNode } from '../../support/fake-node.ts';

type Add = number;
type Node = ConsensusNode<Add, number>;

const CODEC = msgpackCodec<Add, number>();
const CLUSTER = { nodeId: 1, clusterName: 'test', newInstanceId: 'i' };
const CONFIG = { clusterName: 'test', heartbeatIntervalMs: 20, electionTimeoutMinMs: 100, electionTimeoutMaxMs: 200 };

describe('openDurableStorage', () => {
  test('makes the directory, and keeps everybody else out of it until it is closed', async (t) => {
    const directory = join(temporary(t), 'a', 'b');
    const storage = await openDurableStorage({ directory });
    await assert.rejects(openDurableStorage({ directory }), (error: Error) => {
      assert.match(error.message, new RegExp(`${directory} is in use`));
      return true;
    });
    await storage.close();
    await storage.close();
    await (await openDurableStorage({ directory })).close();
  });

  test('a node closes it, and another can be started from it in the same process', async (t) => {
    const directory = temporary(t);
    const first = await startNode(t, directory);
    await first.bootstrap();
    await first.propose(1);
    await assert.rejects(startNode(t, directory), { code: 'STORAGE' });
    await first.shutdown();
    const second = await startNode(t, directory);
    await second.wait().state('leader');
    assert.equal(await second.propose(1), 2);
    assert.deepEqual(
      ['LOCK', 'log', 'snapshots'].map((name) => existsSync(join(directory, name))),
      [true, true, true],
    );
  });

  test('the directory of another node or another cluster is refused, and left as it was', async (t) => {
    const directory = temporary(t);
    const node = await startNode(t, directory);
    await node.bootstrap();
    await node.shutdown();
    const others = [
      { nodeId: 2, clusterName: 'test' },
      { nodeId: 1, clusterName: 'other' },
    ];
    for (const { nodeId, clusterName } of others) {
      const { logStore } = await openDurableStorage({ directory });
      await assert.rejects(logStore.open({ nodeId, clusterName, newInstanceId: 'x' }), { code: 'IDENTITY' });
    }
    const again = await startNode(t, directory);
    await again.wait().state('leader');
  });

  test('a second process is told who is in the way, and gets in as soon as the first is killed', async (t) => {
    const directory = temporary(t);
    const child = fork(join(import.meta.dirname, 'hold-directory.ts'), [directory], { execArgv: process.execArgv });
    await once(child, 'message');
    await assert.rejects(openDurableStorage({ directory }), { code: 'STORAGE', message: /in use by another process/ });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await openDurableStorage({ directory })).close();
  });
});

describe('D-30 what was acknowledged is back, byte for byte', () => {
  test('after a close', async (t) => {
    const directory = temporary(t);
    const storage = await openDurableStorage({ directory });
    const log = await openLog(storage);
    await log.saveIdentity({ nodeId: 1, instanceId: 'i', clusterId: 'c', clusterName: 'test' });
    await log.saveHardState({ term: 7, votedFor: 3 });
    await log.append(adds(1, 1, 100));
    await log.append(adds(7, 100, 200));
    await log.saveCommitted(logId(7, 150));
    await log.truncate(180);
    await log.purge(logId(1, 40));
    await storage.snapshotStore.open();
    const meta = {
      id: 's',
      lastLogId: logId(1, 40),
      lastTimeMs: 5,
      membership: { logId: logId(1, 1), membership: of([1]) },
    };
    const writer = await storage.snapshotStore.create(meta, 'codec');
    await writer.write(new Uint8Array(100_000).fill(3));
    const published = await writer.publish();
    await storage.close();

    const reopened = await openDurableStorage({ directory });
    const state = await reopened.logStore.open({ ...CLUSTER, newInstanceId: 'ignored' });
    assert.deepEqual(structuredClone(state), {
      identity: { nodeId: 1, instanceId: 'i', clusterId: 'c', clusterName: 'test' },
      hardState: { term: 7, votedFor: 3 },
      committed: logId(7, 150),
      lastPurged: logId(1, 40),
      lastLogId: logId(7, 179),
    });
    const expected = [...adds(1, 41, 100), ...adds(7, 100, 180)];
    assert.deepEqual(await reopened.logStore.read(1, 1000, 1e9), expected);
    assert.deepEqual(await reopened.snapshotStore.open(), published);
    await reopened.close();
  });

  test('after kill -9 right behind each acknowledgement', async (t) => {
    const directory = temporary(t);
    for (let run = 1; run <= 5; run += 1) {
      const child = fork(join(import.meta.dirname, 'add-and-tell.ts'), [directory], { execArgv: process.execArgv });
      const [sum] = (await once(child, 'message')) as [number];
      child.kill('SIGKILL');
      await once(child, 'exit');
      assert.equal(sum, run, 'each run finds what the one before it was told');
    }
  });
});

describe('a node starts from what it finds', () => {
  test('nothing: it waits to be told', async (t) => {
    const node = await startNode(t, temporary(t));
    assert.equal(node.isInitialized(), false);
    assert.deepEqual(node.metrics().lastApplied, logId(0, 0));
  });

  test('only a log: what is committed is applied, and the rest once it leads', async (t) => {
    const directory = temporary(t);
    await prepare(directory, async (log) => {
      await log.append([membershipEntry(logId(1, 1), 0, of([1])), ...adds(1, 2, 6)]);
      await log.saveCommitted(logId(1, 4));
    });
    const sums: number[] = [];
    const node = await startNode(t, directory, inMemory(sums));
    assert.deepEqual(sums.slice(0, 3), [1, 2, 3]);
    await node.wait().state('leader');
    await node.ensureLinearizable();
    assert.deepEqual(sums, [1, 2, 3, 4]);
  });

  test('only a snapshot: the state is that of the snapshot, with its membership', async (t) => {
    const directory = temporary(t);
    const first = await startNode(t, directory, inMemory([]), { maxInSnapshotLogToKeep: 0 });
    await first.bootstrap();
    for (let i = 0; i < 5; i += 1) await first.propose(1);
    await first.raft.trigger().snapshot();
    await first.raft.trigger().purgeLog(first.metrics().lastApplied.index);
    await first.wait().purged(first.metrics().lastApplied);
    await first.shutdown();
    const again = await startNode(t, directory);
    assert.deepEqual(again.voterIds(), [1]);
    await again.wait().state('leader');
    assert.equal(await again.propose(1), 6);
  });

  test('a log behind the state machine: the state is the proof that all of it was committed', async (t) => {
    const directory = temporary(t);
    await prepare(directory, (log) => log.append([membershipEntry(logId(1, 1), 0, of([1])), ...adds(1, 2, 4)]));
    await prepareState(directory, [membershipEntry(logId(1, 1), 0, of([1])), ...adds(1, 2, 10)]);
    const node = await startNode(t, directory, onDisk(directory));
    assert.deepEqual(node.metrics().purged, logId(1, 9));
    await node.wait().state('leader');
    assert.equal(await node.propose(1), 9);
  });

  test('a state machine behind the log: it goes on exactly behind what it applied', async (t) => {
    const directory = temporary(t);
    const log = [membershipEntry(logId(1, 1), 0, of([1])), ...adds(1, 2, 10)];
    await prepare(directory, async (store) => {
      await store.append(log);
      await store.saveCommitted(logId(1, 9));
    });
    await prepareState(directory, log.slice(0, 5));
    const node = await startNode(t, directory, onDisk(directory));
    assert.deepEqual(node.metrics().lastApplied, logId(1, 9));
    await node.wait().state('leader');
    assert.equal(await node.propose(1), 9);
  });

  test('a joint membership in the log: it counts, although it is not committed', async (t) => {
    const directory = temporary(t);
    const joint: Membership = { ...of([1, 2]), configs: [[1], [1, 2]] };
    await prepare(directory, async (log) => {
      await log.append([membershipEntry(logId(1, 1), 0, of([1])), blankEntry(logId(1, 2), 0)]);
      await log.append([membershipEntry(logId(1, 3), 0, joint)]);
      await log.saveCommitted(logId(1, 2));
    });
    const node = await startNode(t, directory);
    assert.deepEqual(node.metrics().membership.membership.configs, [[1], [1, 2]]);
    // Node 2 is not there: without it there is no majority of the second configuration.
    await assert.rejects(node.propose(1, { timeoutMs: 500 }));
    assert.deepEqual(node.metrics().lastApplied, logId(1, 2));
  });
});

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-durable-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function of(voters: readonly number[]): Membership {
  return { retainRemoved: false, configs: [[...voters]], nodes: new Map(voters.map((id) => [id, basicNode(id)])) };
}

function adds(term: number, fromIndex: number, toIndex: number): Entry[] {
  return Array.from({ length: toIndex - fromIndex }, (_, offset) =>
    normalEntry(logId(term, fromIndex + offset), 1, CODEC.encodeRequest(1)),
  );
}

/** Counts; `sums` takes every answer. */
function inMemory(sums: number[]): StateMachine<Add, number> {
  return new MemStateMachine<{ sum: number }, Add, number>({
    initialState: () => ({ sum: 0 }),
    apply(state, add) {
      state.sum += add;
      sums.push(state.sum);
      return state.sum;
    },
  });
}

function onDisk(directory: string): LmdbStateMachine<Add, number> {
  return new LmdbStateMachine<Add, number>({
    directory: join(directory, 'state'),
    apply(transaction, add) {
      const table = transaction.table<string, number>('sums');
      const sum = (table.get('sum') ?? 0) + add;
      table.put('sum', sum);
      return sum;
    },
  });
}

async function startNode(
  t: TestContext,
  directory: string,
  stateMachine: StateMachine<Add, number> = inMemory([]),
  config: object = {},
): Promise<Node> {
  const { logStore, snapshotStore } = await openDurableStorage({ directory });
  const node = await new ConsensusNodeBuilder<Add, number>(1, 'n1')
    .withConfig({ ...CONFIG, ...config })
    .withSnapshotStore(snapshotStore)
    .buildWith(logStore, stateMachine, new MemHub().network('n1'));
  t.after(() => node.shutdown());
  return node;
}

async function openLog({ logStore }: DurableStorage): Promise<LogStore> {
  await logStore.open(CLUSTER);
  return logStore;
}

/** Writes a log as a node of a cluster would. */
async function prepare(directory: string, write: (log: LogStore) => Promise<void>): Promise<void> {
  const storage = await openDurableStorage({ directory });
  const log = await openLog(storage);
  await log.saveIdentity({ nodeId: 1, instanceId: 'i', clusterId: 'c', clusterName: 'test' });
  await log.saveHardState({ term: 1, votedFor: 1 });
  await write(log);
  await storage.close();
}

async function prepareState(directory: string, entries: readonly Entry[]): Promise<void> {
  const machine = onDisk(directory);
  await machine.open(CODEC);
  await machine.apply(entries);
  await machine.close();
}
