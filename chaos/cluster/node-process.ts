/** One node as a process of its own: serves peers and clients, and does what the run tells it. */
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConsensusNode } from 'zlayer-consensus';
import { ConsensusError, ConsensusNodeBuilder } from 'zlayer-consensus';
import { HttpNetwork, raftService } from 'zlayer-consensus/network/http';
import { openDurableStorage } from 'zlayer-consensus/storage/lmdb';
import { answerCommands, sayNews } from '../support/channel.ts';
import type { ChaosRequest, ChaosResponse, ChaosState } from './chaos-state.ts';
import { digestOf, stateInMemory, stateOnDisk } from './chaos-state.ts';
import type { NodeCommands, NodeSetup, NodeStatus, NodeStopped } from './node-commands.ts';
import { operationService } from './operation-service.ts';

type ChaosNode = ConsensusNode<ChaosRequest, ChaosResponse>;

/** A change of the members waits for a learner to catch up. */
const CHANGE_MS = 8000;

interface Started {
  readonly node: ChaosNode;
  readonly state: ChaosState;
  readonly servers: readonly Server[];
}

let started: Started | null = null;

function running(): Started {
  if (started === null) throw new Error('the node was not started');
  return started;
}

async function start(setup: NodeSetup): Promise<NodeCommands['start']['answer']> {
  const storage = await openDurableStorage({ directory: setup.directory });
  const state = setup.isStateOnDisk ? stateOnDisk(storage.stateDirectory) : stateInMemory();
  const node = await new ConsensusNodeBuilder<ChaosRequest, ChaosResponse>(setup.nodeId, setup.peerAddress)
    .withConfig(setup.config)
    .withLogger(logger(setup.nodeId))
    .withSnapshotStore(storage.snapshotStore)
    .buildWith(
      storage.logStore,
      state.stateMachine,
      new HttpNetwork({ transport: setup.isPosting ? 'post' : 'stream', refusedRetryMs: 1000 }),
    );
  void watch(node);
  const raft = raftService(node.raft);
  const peers = await listen(raft, setup.peerHost, setup.peerPort);
  raft.attach(peers);
  const service = operationService({ node, state, path: `/${setup.run}/${setup.nodeId}` });
  const clients = await listen(service, setup.clientHost, setup.clientPort);
  started = { node, state, servers: [peers, clients] };
  return { peerPort: portOf(peers), clientPort: portOf(clients) };
}

async function listen(handler: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

/** Of a server that listens on a port. */
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A node that stops by itself says so; it goes on answering, so that its clients are told. */
async function watch(node: ChaosNode): Promise<void> {
  for await (const event of node.events()) {
    note('event', event);
    if (event.type !== 'stopped' || event.error === null) continue;
    const code = ConsensusError.is(event.error) ? event.error.code : '';
    const news: NodeStopped = { type: 'stopped', code, message: explain(event.error) };
    sayNews(news);
  }
}

/** With what caused it. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} <- ${explain(error.cause)}`;
}

/** What happened, in the log of the process. */
function note(what: string, fields: object): void {
  const text = JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? explain(value) : value));
  process.stdout.write(
    `${new Date().toISOString()} ${(performance.timeOrigin + performance.now()).toFixed(0)} ${what} ${text}\n`,
  );
}

function logger(
  nodeId: number,
): Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void> {
  const write = (level: string) => (fields: object, message: string) =>
    note(`${level} node ${nodeId} ${message}`, fields);
  return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
}

function status(): NodeStatus {
  const { node } = running();
  const metrics = node.metrics();
  return {
    role: metrics.state,
    term: metrics.currentTerm,
    leaderId: metrics.currentLeader,
    voterIds: node.voterIds(),
    memberIds: node.allMemberIds(),
    lastLogIndex: metrics.lastLogIndex,
    appliedIndex: metrics.lastApplied.index,
    snapshotIndex: metrics.snapshot.index,
    stopped: metrics.stopped === null ? null : explain(metrics.stopped),
  };
}

async function stop(): Promise<null> {
  const { node, servers } = running();
  await node.shutdown();
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  return null;
}

answerCommands<NodeCommands>({
  start,
  stop,
  async bootstrap() {
    await running().node.bootstrap();
    return null;
  },
  async 'add-voter'({ nodeId, address }) {
    await running().node.addVoter(nodeId, address, { timeoutMs: CHANGE_MS });
    return null;
  },
  async 'change-voters'({ nodeIds }) {
    await running().node.changeMembership(nodeIds, { retain: true, timeoutMs: CHANGE_MS });
    return null;
  },
  async remove({ nodeId }) {
    await running().node.removeMember(nodeId, { timeoutMs: CHANGE_MS });
    return null;
  },
  async transfer({ nodeId }) {
    await running().node.transferLeadership(nodeId, { timeoutMs: CHANGE_MS });
    return null;
  },
  status: async () => status(),
  async serve({ timeoutMs }) {
    const { index } = await running().node.ensureLinearizable({ timeoutMs });
    return { readIndex: index };
  },
  async digest() {
    const { node, state } = running();
    const keys = state.list('').map(([key]) => key);
    return { appliedIndex: node.metrics().lastApplied.index, digest: digestOf(state), keys };
  },
  ledger: async () => running().state.ledger(),
});
