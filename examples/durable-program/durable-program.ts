import { createServer } from 'node:http';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { HttpNetwork, raftService } from 'zlayer-consensus/network/http';
import { openDurableStorage } from 'zlayer-consensus/storage/lmdb';
import { MemStateMachine } from 'zlayer-consensus/storage/memory';

const { logStore, snapshotStore } = await openDurableStorage({ directory: 'data/node-1' });
const counter = new MemStateMachine<{ count: number }, 'add', number>({
  initialState: () => ({ count: 0 }),
  apply(state) {
    state.count += 1;
    return state.count;
  },
});
const node = await new ConsensusNodeBuilder<'add', number>(1, '127.0.0.1:9000')
  .withSnapshotStore(snapshotStore)
  .buildWith(logStore, counter, new HttpNetwork());
const raft = raftService(node.raft);
raft.attach(createServer(raft).listen(9000, '127.0.0.1'));

await node.bootstrapIfNeeded(); // on the first node; the others are added with addVoter
console.log('added', await node.propose('add'), 'times, over all restarts');
