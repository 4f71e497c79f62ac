/** A process of its own for `lifecycle.test.ts`: it must end by itself once its node is shut down. */
import { addressOf, Cluster } from '../support/cluster.ts';

const cluster = new Cluster({ ids: [1], spares: [2] });
await cluster.start();
const node = cluster.node(1);
await node.addVoter(2, addressOf(2));
await node.propose({ key: 'a', value: 1 });
// The calls still wait when the node is shut down; their timers and listeners must not outlive it.
const pending = [
  node.wait(60_000).logIndex(1000),
  node.read(() => 1, { consistency: { atLeast: 1000 }, timeoutMs: 60_000 }),
];
const settled = Promise.allSettled(pending);
await cluster.close();
await settled;
