/** A cluster of one that counts: adds one, tells the sum, and waits to be killed. */
import { MemHub } from '../../../src/network/memory/index.ts';
import { ConsensusNodeBuilder } from '../../../src/node/consensus-node-builder.ts';
import { openDurableStorage } from '../../../src/storage/lmdb/index.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';

const { logStore, snapshotStore } = await openDurableStorage({ directory: process.argv[2] ?? '' });
const counter = new MemStateMachine<{ sum: number }, number, number>({
  initialState: () => ({ sum: 0 }),
  apply(state, add) {
    state.sum += add;
    return state.sum;
  },
});
const node = await new ConsensusNodeBuilder<number, number>(1, 'n1')
  .withConfig({ snapshotLogsSinceLast: 4, maxInSnapshotLogToKeep: 1 })
  .withSnapshotStore(snapshotStore)
  .buildWith(logStore, counter, new MemHub().network('n1'));
await node.bootstrapIfNeeded();
process.send?.(await node.propose(1));
process.once('disconnect', () => process.exit());
