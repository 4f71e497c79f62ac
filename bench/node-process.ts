/** One node as a process of its own: served over HTTP, commanded and put under load by the process that forked it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ConsensusNode } from 'zlayer-consensus';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { HttpNetwork, raftService } from 'zlayer-consensus/network/http';
import { openDurableStorage } from 'zlayer-consensus/storage/lmdb';
import { MemLogStore, MemSnapshotStore } from 'zlayer-consensus/storage/memory';
import type { KvRequest, KvResponse } from './support/key-value.ts';
import { keyOf, kvInMemory, kvOnDisk, requestSource } from './support/key-value.ts';
import { diskBytes, ownMemoryBytes } from './support/linux-process.ts';
import { runLoad } from './support/load.ts';
import type { NodeAnswers, NodeCommand, NodeReply, NodeSetup, NodeStatus } from './support/node-commands.ts';
import { proposeUntilDone } from './support/until-done.ts';

/** Longer than anything takes that is waited for here. */
const PATIENCE_MS = 60_000;

let kv = kvInMemory();
const server = createServer();
let stopService = async (): Promise<void> => undefined;
let started: ConsensusNode<KvRequest, KvResponse> | null = null;

process.on('message', (command: NodeCommand) => void handle(command));
// The process that measures is gone, or has given up.
process.once('disconnect', () => process.exit());

async function handle(command: NodeCommand): Promise<void> {
  let reply: NodeReply;
  try {
    reply = { type: 'done', answer: await execute(command) };
  } catch (error) {
    reply = { type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(reply);
}

async function execute(command: NodeCommand): Promise<NodeAnswers[NodeCommand['type']]> {
  switch (command.type) {
    case 'start':
      return await start(command.nodeId, command);
    case 'bootstrap':
      await node().bootstrap();
      return null;
    case 'add-voter':
      await node().addVoter(command.nodeId, command.address);
      return null;
    case 'add-learner':
      await node().addLearner(command.nodeId, command.address, { blocking: true, timeoutMs: PATIENCE_MS });
      return null;
    case 'propose': {
      const nextRequest = requestSource(command.bytes, command.keys);
      return await runLoad(() => node().propose(nextRequest()), command.load);
    }
    case 'read':
      return await runLoad(reader(command.keys), command.load);
    case 'propose-until-done':
      await proposeUntilDone(node(), requestSource(command.bytes));
      return null;
    case 'snapshot':
      return { sizeBytes: (await node().raft.trigger().snapshot())?.sizeBytes ?? 0 };
    case 'purge':
      await node().raft.trigger().purgeLog(command.index);
      return null;
    case 'wait-applied':
      await node().raft.wait(PATIENCE_MS).appliedIndexAtLeast(command.index);
      return null;
    case 'status':
      return status();
    case 'stop':
      await stop();
      return null;
  }
}

/** The address must be known before the node is built: the server listens first. */
async function start(nodeId: number, setup: NodeSetup): Promise<NodeAnswers['start']> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(setup.port ?? 0, '127.0.0.1', resolve);
  });
  // An address with a port, because it listens on one.
  const { port } = server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  const startedMs = performance.now();
  const { directory, config = {} } = setup;
  const { logStore, snapshotStore } =
    directory === undefined
      ? { logStore: new MemLogStore(), snapshotStore: new MemSnapshotStore() }
      : await openDurableStorage({ directory });
  if (setup.isStateOnDisk === true && directory !== undefined) kv = kvOnDisk(join(directory, 'state'));
  started = await new ConsensusNodeBuilder<KvRequest, KvResponse>(nodeId, address)
    .withConfig(config)
    .withSnapshotStore(snapshotStore)
    .buildWith(logStore, kv.stateMachine, new HttpNetwork());
  const startMs = performance.now() - startedMs;
  const service = raftService(started.raft);
  server.on('request', service);
  service.attach(server);
  stopService = () => service.close();
  return { address, startMs };
}

function node(): ConsensusNode<KvRequest, KvResponse> {
  if (started === null) throw new Error('the node was not started');
  return started;
}

function reader(keys: number): () => Promise<unknown> {
  let count = 0;
  return () => {
    const key = keyOf(count % keys);
    count += 1;
    return node().read(() => kv.get(key), { consistency: 'linearizable' });
  };
}

function status(): NodeStatus {
  const { user, system } = process.cpuUsage();
  return {
    isLeader: node().isLeader(),
    appliedIndex: node().metrics().lastApplied.index,
    cpuUs: user + system,
    diskBytes: diskBytes(),
    ownMemoryBytes: ownMemoryBytes(),
  };
}

async function stop(): Promise<void> {
  await started?.shutdown();
  await stopService();
  server.close();
  server.closeAllConnections();
}
