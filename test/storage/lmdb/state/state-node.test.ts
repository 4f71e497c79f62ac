/** A node whose state is on disk, started again with another state than it stopped with. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MemHub } from '../../../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../../src/node/consensus-node-builder.ts';
import { openDurableStorage } from '../../../../src/storage/lmdb/open-durable-storage.ts';
import { LmdbStateMachine } from '../../../../src/storage/lmdb/state/lmdb-state-machine.ts';
import { makeDirectory } from './state-kit.ts';

interface Running {
  readonly node: ConsensusNode<number, number>;
  readonly machine: LmdbStateMachine<number, number>;
}

/** Counts every apply, so that one that is left out or done twice shows. */
async function startNode(context: TestContext, directory: string): Promise<Running> {
  const { logStore, snapshotStore, stateDirectory } = await openDurableStorage({ directory });
  const machine = new LmdbStateMachine<number, number>({
    directory: stateDirectory,
    apply(transaction, add) {
      const totals = transaction.table<string, number>('totals');
      const total = (totals.get('total') ?? 0) + add;
      totals.put('total', total);
      totals.put(`row ${total}`, total);
      return total;
    },
  });
  const node = await new ConsensusNodeBuilder<number, number>(1, 'a:1')
    .withConfig({ maxInSnapshotLogToKeep: 10, snapshotLogsSinceLast: 0 })
    .withSnapshotStore(snapshotStore)
    .buildWith(logStore, machine, new MemHub().network('a:1'));
  context.after(() => node.shutdown());
  await node.bootstrapIfNeeded();
  return { node, machine };
}

/** Adds 1 so many times, from a total; every answer must be the next number. */
async function count({ node, machine }: Running, from: number, times: number): Promise<void> {
  const answers = await Promise.all(Array.from({ length: times }, () => node.propose(1)));
  assert.deepEqual(
    answers,
    Array.from({ length: times }, (_, i) => from + 1 + i),
  );
  const rows = await node.read(() => machine.read((transaction) => [...transaction.table('totals').range()].length));
  assert.equal(rows, from + times + 1);
}

test('a node on disk goes on from any older state, by its log and its snapshots, each entry once', async (context) => {
  const [directory, copies] = [makeDirectory(context), makeDirectory(context)];
  const state = join(directory, 'state');
  const older = join(copies, 'older');
  const newer = join(copies, 'newer');

  const first = await startNode(context, directory);
  await count(first, 0, 300);
  await first.node.shutdown();
  cpSync(state, older, { recursive: true });

  // The log reaches back to the older state.
  const second = await startNode(context, directory);
  await count(second, 300, 200);
  await second.node.shutdown();
  rmSync(state, { recursive: true });
  cpSync(older, state, { recursive: true });
  const third = await startNode(context, directory);
  await count(third, 500, 50);

  // Now it does not any more, but a snapshot lies between them.
  const snapshot = await third.node.raft.trigger().snapshot();
  assert.ok(snapshot !== null && snapshot.codecId === 'zlayer-lmdb-state/1');
  await count(third, 550, 100);
  await third.node.raft.trigger().purgeLog(snapshot.meta.lastLogId.index);
  await count(third, 650, 10);
  await third.node.shutdown();
  cpSync(state, newer, { recursive: true });
  for (const [from, replace] of [
    [660, () => cpSync(older, state, { recursive: true })],
    [670, () => undefined],
    [680, () => cpSync(newer, state, { recursive: true })],
  ] as const) {
    rmSync(state, { recursive: true });
    replace();
    const again = await startNode(context, directory);
    await count(again, from, 10);
    await again.node.shutdown();
  }
});
