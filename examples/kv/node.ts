/**
 * One node of the example as a process of its own:
 *
 *   node examples/kv/node.ts --id 1 --port 7001 --data ./node-1 --bootstrap
 *
 * Keeps log and snapshots in the directory of --data; without it, everything in memory, and forgets it when it ends. Serves peers and clients on one port. When it was forked it tells its parent where it listens, and stops with it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { HttpNetwork, raftService } from 'zlayer-consensus/network/http';
import { openDurableStorage } from 'zlayer-consensus/storage/lmdb';
import { MemLogStore, MemSnapshotStore } from 'zlayer-consensus/storage/memory';
import { KvService } from './kv-service.ts';
import type { KvRequest, KvResponse } from './kv-state.ts';
import { kvStateMachine } from './kv-state.ts';

const { values } = parseArgs({
  options: {
    id: { type: 'string' },
    port: { type: 'string', default: '0' },
    data: { type: 'string' },
    bootstrap: { type: 'boolean', default: false },
  },
});

const id = Number(values.id);
if (!Number.isSafeInteger(id) || id < 1) {
  process.stderr.write('usage: node.ts --id NUMBER [--port PORT] [--data DIRECTORY] [--bootstrap]\n');
  process.exit(2);
}

const server = createServer();
const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
server.once('error', reject);
server.listen(Number(values.port), '127.0.0.1', resolve);
await listening.catch((error: NodeJS.ErrnoException) => {
  const cure = error.code === 'EADDRINUSE' ? 'stop what listens there, or choose another --port' : 'see --port';
  process.stderr.write(`can't listen on 127.0.0.1:${values.port} (${String(error.code)}): ${cure}\n`);
  process.exit(1);
});
const { port } = server.address() as AddressInfo;
const address = `127.0.0.1:${port}`;

const storage =
  values.data === undefined
    ? { logStore: new MemLogStore(), snapshotStore: new MemSnapshotStore() }
    : await openDurableStorage({ directory: values.data });
const stateMachine = kvStateMachine();
const node = await new ConsensusNodeBuilder<KvRequest, KvResponse>(id, address)
  .withConfig({
    clusterName: 'kv-demo',
    heartbeatIntervalMs: 100,
    electionTimeoutMinMs: 500,
    electionTimeoutMaxMs: 1000,
  })
  .withSnapshotStore(storage.snapshotStore)
  .buildWith(storage.logStore, stateMachine, new HttpNetwork());

const raft = raftService(node.raft);
const kv = new KvService(node, stateMachine);
server.on('request', (request, response) => {
  if (request.url?.startsWith('/raft/') === true) raft(request, response);
  else void kv.handle(request, response);
});
raft.attach(server);

const stop = async (): Promise<void> => {
  await node.shutdown();
  server.close();
  server.closeAllConnections();
  if (process.connected) process.disconnect();
};
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
process.once('disconnect', () => void stop());

if (values.bootstrap) await node.bootstrapIfNeeded();
process.send?.({ type: 'ready', address });
if (process.send === undefined) process.stdout.write(`node ${id} serves http://${address}\n`);
