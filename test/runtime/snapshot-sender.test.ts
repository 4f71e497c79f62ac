import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { Message } from '../../src/core/message.ts';
import { SnapshotError } from '../../src/errors.ts';
import { SnapshotSender } from '../../src/runtime/snapshot-sender.ts';
import { FakeConnection } from '../support/fake-network.ts';
import { LIST_CODEC_ID } from '../support/fake-state-machine.ts';
import { FakeSnapshotStore } from '../support/fake-stores.ts';
import { FakeTime } from '../support/fake-time.ts';

const ANSWER: Message = { type: 'snapshot-response', term: 3, session: 9, matchIndex: 20 };

async function store(snapshots: FakeSnapshotStore, index = 20): Promise<void> {
  const meta = { id: `s${index}`, lastLogId: logId(2, index), lastTimeMs: 0, membership: NO_MEMBERSHIP };
  const writer = await snapshots.inner.create(meta, LIST_CODEC_ID);
  await writer.write(Uint8Array.of(1, 2, 3));
  await writer.write(Uint8Array.of(4, 5));
  await writer.publish();
}

async function makeKit({ isStored = true, canBuild = true } = {}) {
  const time = new FakeTime();
  const snapshots = new FakeSnapshotStore();
  await snapshots.open();
  if (isStored) await store(snapshots);
  const events = { onMessage: () => undefined, onUnreachable: () => undefined };
  const connection = new FakeConnection({ nodeId: 2, addr: 'n2:1', instanceId: null }, events);
  const kit = {
    time,
    snapshots,
    connection,
    posted: [] as Input[],
    failures: [] as unknown[],
    builds: 0,
    purgedIndex: 0,
  };
  const sender = new SnapshotSender({
    snapshotStore: snapshots,
    clock: time,
    timers: time,
    timeoutMs: 1000,
    chunkBytes: 1000,
    connection: (peer) => (peer === 2 ? connection : null),
    purgedIndex: () => kit.purgedIndex,
    rebuild: async () => {
      kit.builds += 1;
      if (canBuild) await store(snapshots, 30);
    },
    post: (input) => kit.posted.push(input),
    onFailed: (peer, error) => kit.failures.push([peer, error]),
  });
  return Object.assign(kit, { sender });
}

const FAILED: Input = { type: 'snapshot-send-failed', to: 2, session: 9 };

test('streams the newest snapshot under term and session, and brings the answer to the core', async () => {
  const { time, sender, connection, posted, failures, snapshots } = await makeKit();
  const bytes: number[] = [];
  connection.onSnapshot = async (header, chunks) => {
    assert.deepEqual([header.offer.term, header.offer.session, header.offer.meta.id], [3, 9, 's20']);
    assert.equal(header.snapshot.sizeBytes, 5);
    for await (const chunk of chunks(2)) bytes.push(...chunk);
    return ANSWER;
  };
  sender.send(2, 3, 9);
  await time.runTurns();
  assert.deepEqual(bytes, [3, 4, 5]);
  assert.deepEqual(posted, [{ type: 'message', from: 2, message: ANSWER, token: 0 }]);
  assert.deepEqual([failures, snapshots.openReaders, time.timerCount], [[], 0, 0]);
});

test('BUG-1 a snapshot is built when none is stored yet', async () => {
  const kit = await makeKit({ isStored: false });
  kit.connection.onSnapshot = async (header) => {
    assert.equal(header.offer.meta.id, 's30');
    return ANSWER;
  };
  kit.sender.send(2, 3, 9);
  await kit.time.runTurns();
  assert.equal(kit.builds, 1);
  assert.deepEqual(kit.posted, [{ type: 'message', from: 2, message: ANSWER, token: 0 }]);
});

test('BUG-1 when none can be built the core learns it, and the node goes on', async () => {
  const kit = await makeKit({ isStored: false, canBuild: false });
  kit.sender.send(2, 3, 9);
  await kit.time.runTurns();
  assert.deepEqual(kit.posted, [FAILED]);
  assert.match(String(kit.failures[0]), /none could be built/);
});

test('a snapshot that ends before what was purged helps nobody: another one is built and sent', async () => {
  const kit = await makeKit();
  kit.purgedIndex = 21;
  const sent: string[] = [];
  kit.connection.onSnapshot = async (header) => {
    sent.push(header.offer.meta.id);
    return ANSWER;
  };
  kit.sender.send(2, 3, 9);
  await kit.time.runTurns();
  assert.deepEqual([sent, kit.builds, kit.failures], [['s30'], 1, []]);
  assert.equal(kit.snapshots.openReaders, 0);
});

test('a transfer may take longer than the timeout as long as it makes progress', async () => {
  const { time, sender, connection, posted, failures } = await makeKit();
  connection.onSnapshot = (_header, _chunks, { signal, onProgress }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      const step = (left: number): void => {
        onProgress(1);
        if (left === 0) resolve(ANSWER);
        else time.setTimer(900, () => step(left - 1));
      };
      step(5);
    });
  sender.send(2, 3, 9);
  await time.advance(4600);
  assert.deepEqual([posted.length, failures], [1, []]);
});

test('a transfer without progress is given up after the timeout, and the snapshot is let go', async () => {
  const { time, sender, connection, posted, failures, snapshots } = await makeKit();
  let progress = (_bytes: number): void => undefined;
  connection.onSnapshot = (_header, _chunks, { signal, onProgress }) => {
    progress = onProgress;
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  sender.send(2, 3, 9);
  await time.advance(600);
  progress(3);
  await time.advance(999);
  assert.deepEqual(posted, []);
  await time.advance(1);
  assert.deepEqual(posted, [FAILED]);
  const [[, error] = []] = failures as [unknown, unknown][];
  assert.ok(error instanceof SnapshotError);
  assert.match(error.message, /no progress for 1000 ms/);
  assert.deepEqual([snapshots.openReaders, time.timerCount], [0, 0]);
});

test('lost leadership ends all transfers', async () => {
  const { time, sender, connection, posted } = await makeKit();
  const reasons: unknown[] = [];
  connection.onSnapshot = (_header, _chunks, { signal }) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      }),
    );
  sender.send(2, 3, 9);
  await time.runTurns();
  sender.abortAll('this node does not lead any more');
  await time.runTurns();
  assert.match(String(reasons[0]), /does not lead any more/);
  assert.deepEqual(posted, [FAILED]);
});

test('a newer transfer replaces the one under way, whose end the core must not take for its own', async () => {
  const { time, sender, connection, posted, failures } = await makeKit();
  const sessions: number[] = [];
  connection.onSnapshot = (header, _chunks, { signal }) => {
    sessions.push(header.offer.session);
    if (header.offer.session === 10) return Promise.resolve(ANSWER);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  sender.send(2, 3, 9);
  await time.runTurns();
  sender.send(2, 3, 10);
  await time.runTurns();
  assert.deepEqual(sessions, [9, 10]);
  assert.deepEqual(
    posted.map(({ type }) => type),
    ['message'],
  );
  assert.deepEqual(failures, []);
});

test('a transfer that fails closes what it opened and tells the core its session', async () => {
  const { time, sender, posted, failures, snapshots } = await makeKit();
  sender.send(2, 3, 9);
  sender.send(7, 3, 11);
  await time.runTurns();
  assert.deepEqual(
    posted.map((input) => (input.type === 'snapshot-send-failed' ? [input.to, input.session] : [])).sort(),
    [
      [2, 9],
      [7, 11],
    ],
  );
  assert.equal(failures.length, 2);
  assert.equal(snapshots.openReaders, 0);
});
