/** A process of its own for `lifecycle.test.ts`: only the timers of its node keep it alive while a call waits. */
import { addressOf, Cluster } from '../support/cluster.ts';

// Code 13 is what Node.js ends with when nothing is left to wait for but a promise.
const cluster = new Cluster({ ids: [1], spares: [2] });
await cluster.start();
const node = cluster.node(1);
await node.addVoter(2, addressOf(2));
await cluster.node(2).shutdown();
// Node 1 leads without a quorum until its election timeout; then it has to say what became of this.
await node.propose({ key: 'a', value: 1 }).catch(() => undefined);
await cluster.close();
