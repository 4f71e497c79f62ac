import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstallSnapshotEffect } from '../../src/core/effect.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { Message } from '../../src/core/message.ts';
import { SnapshotError } from '../../src/errors.ts';
import type { SnapshotHeader, SnapshotSink } from '../../src/ports/network.ts';
import type { SnapshotStore } from '../../src/ports/snapshot-store.ts';
import { Applier } from '../../src/runtime/applier.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { Replies } from '../../src/runtime/replies.ts';
import { SnapshotReceiver } from '../../src/runtime/snapshot-receiver.ts';
import { FileSnapshotStore } from '../../src/storage/snapshot-files/index.ts';
import { MemFileSystem } from '../../src/testing/disk/mem-file-system.ts';
import { entries, watch } from '../support/fake-node.ts';
import { encodeText, FakeStateMachine, LIST_CODEC_ID } from '../support/fake-state-machine.ts';
import { FakeLogStore, FakeSnapshotStore } from '../support/fake-stores.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

const REFUSED: Message = { type: 'snapshot-response', term: 4, session: 9, matchIndex: 0 };
const BYTES = encodeText('["x","y"]');

async function makeKit(inner?: SnapshotStore) {
  const time = new FakeTime();
  const logStore = new FakeLogStore();
  await logStore.open({ nodeId: 1, clusterName: 'test', newInstanceId: 'i' });
  const snapshots = new FakeSnapshotStore(inner);
  await snapshots.open();
  const machine = new FakeStateMachine();
  const cache = new LogCache(0, 1e9);
  const posted: Input[] = [];
  const installed: number[] = [];
  const applier = new Applier(
    {
      stateMachine: machine,
      logStore,
      cache,
      clock: time,
      timers: time,
      durableIndex: () => Number.POSITIVE_INFINITY,
      onResult: () => undefined,
      onApplied: () => undefined,
      onFailure: (error) => {
        throw error;
      },
    },
    NO_LOG_ID,
  );
  const replies = new Replies();
  const receiver = new SnapshotReceiver({
    stateMachine: machine,
    snapshotStore: snapshots,
    logStore,
    cache,
    applier,
    replies,
    post: (input) => posted.push(input),
    onInstalled: ({ meta }) => installed.push(meta.lastLogId.index),
  });
  return { time, logStore, snapshots, machine, cache, posted, installed, applier, replies, receiver };
}

type Kit = Awaited<ReturnType<typeof makeKit>>;

/** The checksum is that of `BYTES` unless a test says otherwise. */
async function headerOf(id: string, index: number, checksum?: number): Promise<SnapshotHeader> {
  const store = new FakeSnapshotStore();
  await store.open();
  const meta = { id, lastLogId: logId(2, index), lastTimeMs: 0, membership: NO_MEMBERSHIP };
  const writer = await store.create(meta, LIST_CODEC_ID);
  await writer.write(BYTES);
  const snapshot = await writer.publish();
  return {
    offer: { term: 3, session: 9, meta },
    snapshot: { ...snapshot, checksum: checksum ?? snapshot.checksum },
  };
}

/** Offers a snapshot and lets the core accept it. */
async function accepted(kit: Kit, header: SnapshotHeader): Promise<SnapshotSink> {
  const reception = kit.receiver.receive(2, header);
  const input = kit.posted.at(-1);
  assert.ok(input?.type === 'snapshot-offered');
  kit.receiver.onVerdict(input.token, { accept: true });
  const result = await reception;
  assert.ok(result.accept);
  return result.sink;
}

function installEffect({ offer }: SnapshotHeader, discardLog: boolean): InstallSnapshotEffect {
  return { type: 'install-snapshot', seq: 1, meta: offer.meta, discardLog, afterDurable: [] };
}

/** Streams everything; `finish` is under way when it returns. */
async function streamed(kit: Kit, header: SnapshotHeader) {
  const sink = await accepted(kit, header);
  await sink.write(BYTES);
  const finished = watch(sink.finish());
  await settle();
  const input = kit.posted.at(-1);
  assert.ok(input?.type === 'snapshot-received');
  return { finished, token: input.token, sink };
}

test('the core is asked before the first byte; what it refuses opens nothing', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  const reception = kit.receiver.receive(2, header);
  const [input] = kit.posted;
  assert.ok(input?.type === 'snapshot-offered');
  assert.deepEqual([input.from, input.offer], [2, header.offer]);
  kit.receiver.onVerdict(input.token, { accept: false, response: REFUSED });
  assert.deepEqual(await reception, { accept: false, response: REFUSED });
  assert.equal(kit.snapshots.gate.count('create'), 0);
});

for (const [what, header, chunk] of [
  ['a checksum', headerOf('s', 20, 12345), BYTES],
  ['a size', headerOf('s', 20), BYTES.subarray(1)],
] as const) {
  test(`${what} that does not match is refused: the bytes are removed and the core never hears of them`, async () => {
    const kit = await makeKit();
    const sink = await accepted(kit, await header);
    await sink.write(chunk);
    await assert.rejects(sink.finish(), (error) => {
      assert.ok(error instanceof SnapshotError);
      assert.match(error.message, /damaged/);
      return true;
    });
    assert.equal(kit.posted.filter(({ type }) => type === 'snapshot-received').length, 0);
    assert.equal(kit.snapshots.openWriters, 0);
    const again = await accepted(kit, await header);
    assert.equal(again.offsetBytes, 0);
  });
}

test('a stream that broke goes on where it was', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  const sink = await accepted(kit, header);
  await sink.write(BYTES.subarray(0, 4));
  await sink.abort();
  const again = await accepted(kit, header);
  assert.equal(again.offsetBytes, 4);
  await again.write(BYTES.subarray(4));
  watch(again.finish());
  await settle();
  assert.equal(kit.posted.at(-1)?.type, 'snapshot-received');
});

test('it is published before the state is replaced, and the log is cut after both', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  await streamed(kit, header);
  const effect = installEffect(header, true);
  kit.receiver.prepare(effect);
  kit.machine.gate.hold('restore');
  const install = watch(kit.receiver.install(effect));
  await settle();
  assert.equal(kit.snapshots.gate.count('publish'), 1);
  assert.deepEqual([kit.machine.gate.count('restore'), kit.logStore.writes], [1, []]);
  const latest = await kit.snapshots.inner.latest();
  assert.equal(latest?.snapshot.meta.id, 's');
  kit.machine.gate.release();
  await settle();
  assert.equal(install.status(), 'fulfilled');
  assert.deepEqual(kit.logStore.writes, ['truncate 21', 'purge 20']);
  assert.deepEqual([kit.machine.state, kit.installed, kit.applier.applied], [['x', 'y'], [20], logId(2, 20)]);
  assert.deepEqual([kit.cache.firstIndex, kit.snapshots.openWriters], [21, 0]);
});

test('a log that agrees with the snapshot keeps what follows it', async () => {
  const kit = await makeKit();
  await kit.logStore.append(entries(2, 1, 26));
  kit.cache.append(entries(2, 1, 26));
  const header = await headerOf('s', 20);
  await streamed(kit, header);
  const effect = installEffect(header, false);
  kit.receiver.prepare(effect);
  kit.applier.commit(23);
  await kit.receiver.install(effect);
  assert.deepEqual(kit.logStore.writes, ['append 1-25', 'purge 20']);
  assert.deepEqual(
    kit.machine.journal.map(({ logId: { index } }) => index),
    [21, 22, 23],
  );
});

test('what is being applied ends before the state is replaced', async () => {
  const kit = await makeKit();
  kit.cache.append(entries(1, 1, 6));
  kit.machine.gate.hold('apply');
  kit.applier.commit(5);
  const header = await headerOf('s', 20);
  await streamed(kit, header);
  const effect = installEffect(header, true);
  kit.receiver.prepare(effect);
  const install = watch(kit.receiver.install(effect));
  await settle();
  assert.deepEqual([kit.machine.gate.count('restore'), kit.snapshots.gate.count('publish')], [0, 0]);
  kit.machine.gate.release();
  await settle();
  assert.equal(install.status(), 'fulfilled');
  assert.deepEqual(kit.machine.state, ['x', 'y']);
});

test('a line that breaks while the snapshot is installed takes nothing away from it', async () => {
  const kit = await makeKit(new FileSnapshotStore({ directory: '/snapshots', fileSystem: new MemFileSystem() }));
  const header = await headerOf('s', 20);
  const { sink } = await streamed(kit, header);
  kit.machine.gate.hold('restore');
  const installing = kit.receiver.install(installEffect(header, true));
  await settle();
  await sink.abort();
  kit.machine.gate.release();
  await installing;
  assert.deepEqual([kit.installed, kit.machine.state], [[20], ['x', 'y']]);
});

test('what broke off with its last byte is not installed, and can be resumed', async () => {
  const kit = await makeKit(new FileSnapshotStore({ directory: '/snapshots', fileSystem: new MemFileSystem() }));
  const header = await headerOf('s', 20);
  const sink = await accepted(kit, header);
  await sink.write(BYTES);
  const aborted = sink.abort();
  await assert.rejects(sink.finish(), SnapshotError);
  await aborted;
  assert.equal(kit.posted.filter(({ type }) => type === 'snapshot-received').length, 0);
  const again = await accepted(kit, header);
  assert.equal(again.offsetBytes, BYTES.byteLength);
});

test('a snapshot that the core does not want any more is not installed, and removed', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  const { finished, token } = await streamed(kit, header);
  kit.replies.take(token)?.(REFUSED);
  await settle();
  assert.deepEqual(finished.result, { status: 'fulfilled', value: REFUSED });
  assert.deepEqual([kit.snapshots.gate.count('publish'), kit.snapshots.openWriters], [0, 0]);
  assert.equal(await kit.snapshots.inner.latest(), null);
});

test('while one waits to be installed no other stream, and no own snapshot, takes its place in the store', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  await streamed(kit, header);
  assert.equal(kit.receiver.tryYield(), false);
  const second = kit.receiver.receive(2, header);
  const input = kit.posted.at(-1);
  assert.ok(input?.type === 'snapshot-offered');
  kit.receiver.onVerdict(input.token, { accept: true });
  await assert.rejects(second, SnapshotError);
  const effect = installEffect(header, true);
  kit.receiver.prepare(effect);
  const installing = kit.receiver.install(effect);
  assert.equal(kit.receiver.tryYield(), false);
  await installing;
  assert.deepEqual([kit.machine.state, kit.receiver.tryYield()], [['x', 'y'], true]);
});

test('a stream whose place in the store was taken is refused at its end, instead of failing the installation', async () => {
  const kit = await makeKit();
  const header = await headerOf('s', 20);
  const sink = await accepted(kit, header);
  await sink.write(BYTES);
  const again = await accepted(kit, header);
  await assert.rejects(sink.finish(), /gave way to another one/);
  watch(again.finish());
  await settle();
  assert.equal(kit.posted.at(-1)?.type, 'snapshot-received');
  const effect = installEffect(header, true);
  kit.receiver.prepare(effect);
  await kit.receiver.install(effect);
  assert.deepEqual(kit.machine.state, ['x', 'y']);
});
