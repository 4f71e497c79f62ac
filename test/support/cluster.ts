/**
 * Whole nodes in one process, over the memory adapters and real time: for tests of what only a running cluster shows.
 * Conditions are awaited with `wait()`; nothing here sleeps.
 */
import type { TestContext } from 'node:test';
import type { NodeId } from '../../src/core/ids.ts';
import { MemHub } from '../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../src/node/consensus-node.ts';
import type { NodePorts } from '../../src/node/consensus-node-builder.ts';
import { ConsensusNodeBuilder } from '../../src/node/consensus-node-builder.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import type { Network } from '../../src/ports/network.ts';
import type { SnapshotStore } from '../../src/ports/snapshot-store.ts';
import type { StateMachine } from '../../src/ports/state-machine.ts';
import type { ConsensusConfig } from '../../src/runtime/config.ts';
import type { ApplyContext } from '../../src/storage/memory/index.ts';
import { MemLogStore, MemSnapshotStore, MemStateMachine } from '../../src/storage/memory/index.ts';
import { systemRandom, systemTimers } from '../../src/system/system-ports.ts';

export interface KvRequest {
  readonly key: string;
  readonly value: number | string;
}

/** The value before the write. */
export type KvResponse = number | string | null;

export type KvNode = ConsensusNode<KvRequest, KvResponse>;

/** A request as a state machine applied it. */
export interface AppliedRequest {
  readonly request: KvRequest;
  readonly context: ApplyContext;
}

/** What a node is built of; a test may put something of its own around any of it. */
export interface MemberParts {
  readonly logStore: LogStore;
  readonly snapshotStore: SnapshotStore;
  readonly stateMachine: StateMachine<KvRequest, KvResponse>;
  readonly network: Network;
}

export interface ClusterOptions {
  /** The first voters; the first of them forms the cluster and leads. */
  readonly ids: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** Nodes that run but belong to nothing. */
  readonly spares?: readonly NodeId[];
  /** `false`: nothing is initialised. */
  readonly isFormed?: boolean;
  readonly config?: Partial<ConsensusConfig>;
  readonly ports?: NodePorts;
  readonly adapt?: (parts: MemberParts, id: NodeId) => MemberParts;
  /** Runs before each request is applied; may throw. */
  readonly onApply?: (request: KvRequest, id: NodeId) => void;
}

export interface StartOptions {
  /** With empty stores. */
  readonly isNew?: boolean;
  /** Default: the one that belongs to the id. */
  readonly address?: string;
}

/** One node with its stores, which outlive it. */
export interface Member {
  readonly id: NodeId;
  readonly address: string;
  readonly node: KvNode;
  readonly stateMachine: MemStateMachine<Map<string, number | string>, KvRequest, KvResponse>;
  readonly logStore: MemLogStore;
  readonly snapshotStore: MemSnapshotStore;
  /** What this process applied, in order; what came with a snapshot is not in it. */
  readonly journal: AppliedRequest[];
}

/** Short enough for quick tests, long enough for a busy machine. */
const TEST_CONFIG: Partial<ConsensusConfig> = Object.freeze({
  clusterName: 'test',
  heartbeatIntervalMs: 50,
  electionTimeoutMinMs: 300,
  electionTimeoutMaxMs: 600,
});

/** Starts the nodes and forms the cluster; everything is stopped when the test ends. */
export async function startCluster(t: TestContext, options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  t.after(() => cluster.close());
  await cluster.start();
  return cluster;
}

export class Cluster {
  readonly hub: MemHub = new MemHub({ timers: systemTimers, random: systemRandom });
  readonly #options: ClusterOptions;
  readonly #members = new Map<NodeId, Member>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { ids, learners = [], spares = [], isFormed = true } = this.#options;
    await Promise.all([...ids, ...learners, ...spares].map((id) => this.startNode(id)));
    const [first] = ids;
    if (!isFormed || first === undefined) return;
    const { node } = this.member(first);
    await node.raft.initialize(new Map(ids.map((id) => [id, { addr: addressOf(id) }])));
    await node.wait().state('leader');
    for (const id of learners) await node.addLearner(id, addressOf(id));
    const { lastLogIndex } = node.metrics();
    await Promise.all(
      [...ids, ...learners].map((id) => this.node(id).wait().appliedIndexAtLeast(Math.max(2, lastLogIndex))),
    );
  }

  get ids(): readonly NodeId[] {
    return [...this.#members.keys()];
  }

  member(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }

  node(id: NodeId): KvNode {
    return this.member(id).node;
  }

  /** The value that a node's state machine holds, as it is now. */
  value(id: NodeId, key: string): number | string | undefined {
    return this.member(id).stateMachine.state.get(key);
  }

  /** Starts a node: with the stores it had, or as a new one. */
  async startNode(id: NodeId, { isNew = false, address = addressOf(id) }: StartOptions = {}): Promise<KvNode> {
    const known = isNew ? undefined : this.#members.get(id);
    const stores = {
      logStore: known?.logStore ?? new MemLogStore(),
      snapshotStore: known?.snapshotStore ?? new MemSnapshotStore(),
    };
    const journal: AppliedRequest[] = [];
    const stateMachine = this.#makeStateMachine(id, journal);
    const plain: MemberParts = { ...stores, stateMachine, network: this.hub.network(address) };
    const parts = this.#options.adapt?.(plain, id) ?? plain;
    const node = await new ConsensusNodeBuilder<KvRequest, KvResponse>(id, address)
      .withConfig({ ...TEST_CONFIG, ...this.#options.config })
      .withSnapshotStore(parts.snapshotStore)
      .withPorts(this.#options.ports ?? {})
      .buildWith(parts.logStore, parts.stateMachine, parts.network);
    this.#members.set(id, { id, address, node, stateMachine, journal, ...stores });
    return node;
  }

  /** Stops a node as a crash would, as far as others can tell: leadership is not handed over. */
  async stop(id: NodeId): Promise<void> {
    await this.node(id).raft.shutdown();
  }

  /** Stops a node and starts it from its stores. */
  async restart(id: NodeId): Promise<KvNode> {
    await this.stop(id);
    return await this.startNode(id);
  }

  isolate(id: NodeId): void {
    this.hub.isolate(addressOf(id));
  }

  /** The node takes everything and answers nothing. */
  hang(id: NodeId): void {
    this.hub.hang(addressOf(id));
  }

  cut(from: NodeId, to: NodeId): void {
    this.hub.cut(addressOf(from), addressOf(to));
  }

  heal(id?: NodeId): void {
    if (id === undefined) this.hub.heal();
    else this.hub.heal(addressOf(id));
  }

  /** The first of these nodes that leads, once there is one. */
  async leader(among: readonly NodeId[] = this.ids): Promise<KvNode> {
    const abort = new AbortController();
    const { signal } = abort;
    try {
      return await Promise.any(
        among.map(async (id) => {
          const node = this.node(id);
          await node.wait(undefined, { signal }).metrics(() => node.isLeader(), 'this node to lead');
          return node;
        }),
      );
    } finally {
      abort.abort();
    }
  }

  /** Resolves when each of these nodes has applied at least this index. */
  async applied(index: number, among: readonly NodeId[] = this.ids): Promise<void> {
    await Promise.all(among.map((id) => this.node(id).wait().appliedIndexAtLeast(index)));
  }

  async close(): Promise<void> {
    this.hub.heal();
    await Promise.all(this.ids.map((id) => this.stop(id)));
  }

  #makeStateMachine(id: NodeId, journal: AppliedRequest[]): Member['stateMachine'] {
    const { onApply } = this.#options;
    return new MemStateMachine<Map<string, number | string>, KvRequest, KvResponse>({
      initialState: () => new Map(),
      apply: (state, request, context) => {
        onApply?.(request, id);
        journal.push({ request, context });
        const before = state.get(request.key) ?? null;
        state.set(request.key, request.value);
        return before;
      },
    });
  }
}

/** Where the node of a cluster is. */
export function addressOf(id: NodeId): string {
  return `n${id}:1`;
}

/** Writes `count` requests one after the other; the values are 1 to `count`. */
export async function writeMany(node: KvNode, count: number, key: string = 'k'): Promise<void> {
  for (let value = 1; value <= count; value += 1) await node.propose({ key, value });
}
