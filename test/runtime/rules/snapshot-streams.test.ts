import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watch } from '../../support/fake-node.ts';
import { ScriptedPeers } from '../../support/scripted-peers.ts';

interface Streaming {
  readonly peers: ScriptedPeers;
  /** Why the stream to node 3 was aborted. */
  readonly reasons: unknown[];
}

/** A leader that streams a snapshot to node 3, which takes its time. */
async function streaming(): Promise<Streaming> {
  const peers = await new ScriptedPeers({ snapshotLogsSinceLast: 4, maxInSnapshotLogToKeep: 0 }).lead();
  const { time, node, network } = peers;
  peers.silent.add(3);
  const reasons: unknown[] = [];
  let isStreaming = false;
  network.to(3).onSnapshot = (_header, _chunks, { signal }) => {
    isStreaming = true;
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      }),
    );
  };
  for (let request = 0; request < 20; request += 1) {
    watch(node.propose(`r${request}`));
    await time.advance(10);
  }
  peers.silent.delete(3);
  await time.until(() => isStreaming);
  return { peers, reasons };
}

test('rule 6 lost leadership ends the streams to peers, and lets go of the snapshot', async () => {
  const { peers, reasons } = await streaming();
  const { time, node } = peers;
  assert.equal(node.snapshotStore.openReaders, 1);
  node.runtime.post({ type: 'step-down' });
  await time.runTurns();
  assert.match(String(reasons[0]), /does not lead any more/);
  assert.equal(node.snapshotStore.openReaders, 0);
});

test('rule 6 a shutdown ends the streams to peers and the snapshot being built', async () => {
  const { peers, reasons } = await streaming();
  const { time, node } = peers;
  node.stateMachine.gate.hold('chunk');
  for (let request = 0; request < 10; request += 1) watch(node.propose(`s${request}`));
  await time.runTurns();
  assert.equal(node.stateMachine.openViews, 1);
  const published = node.snapshotStore.gate.count('publish');
  const stopped = watch(node.runtime.shutdown());
  await time.runTurns();
  assert.match(String(reasons[0]), /the node stops/);
  assert.deepEqual([stopped.status(), node.stateMachine.gate.count('close')], ['pending', 0]);
  node.stateMachine.gate.release();
  await time.runTurns();
  assert.equal(stopped.status(), 'fulfilled');
  assert.deepEqual(
    [node.stateMachine.openViews, node.snapshotStore.openWriters, node.snapshotStore.openReaders],
    [0, 0, 0],
  );
  assert.equal(node.snapshotStore.gate.count('publish'), published);
});
