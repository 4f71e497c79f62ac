/** Whole runtimes over fake ports: one with scripted peers, or a cluster in virtual time. */
import type { Entry } from '../../src/core/entry.ts';
import { normalEntry } from '../../src/core/entry.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { logId } from '../../src/core/ids.ts';
import type { BasicNode } from '../../src/core/membership/membership.ts';
import { MemHub } from '../../src/network/memory/index.ts';
import type { Network } from '../../src/ports/network.ts';
import type { ConsensusConfig } from '../../src/runtime/config.ts';
import { resolveConfig } from '../../src/runtime/config.ts';
import type { NodeEvent } from '../../src/runtime/events.ts';
import type { Proposed } from '../../src/runtime/proposals.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { RecordingLogger, RecordingObserver, SeededRandom, textCodec } from './fake-ports.ts';
import { encodeText, FakeStateMachine } from './fake-state-machine.ts';
import { FakeLogStore, FakeSnapshotStore } from './fake-stores.ts';
import { FakeTime } from './fake-time.ts';

const FAKE_CONFIG: Partial<ConsensusConfig> = Object.freeze({
  heartbeatIntervalMs: 50,
  electionTimeoutMinMs: 300,
  electionTimeoutMaxMs: 600,
  proposeTimeoutMs: 5000,
});

export interface FakeNodeOptions {
  readonly nodeId?: NodeId;
  readonly time: FakeTime;
  readonly network: Network;
  readonly config?: Partial<ConsensusConfig>;
  readonly seed?: number;
}

/** One node and all that it stands on. The stores outlive a restart. */
export class FakeNode {
  readonly id: NodeId;
  readonly options: FakeNodeOptions;
  readonly logStore: FakeLogStore = new FakeLogStore();
  readonly snapshotStore: FakeSnapshotStore = new FakeSnapshotStore();
  readonly stateMachine: FakeStateMachine = new FakeStateMachine();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly observer: RecordingObserver = new RecordingObserver();
  readonly events: NodeEvent[] = [];
  readonly #random: SeededRandom;
  #runtime: Runtime | null = null;

  constructor(options: FakeNodeOptions) {
    this.id = options.nodeId ?? 1;
    this.options = options;
    this.#random = new SeededRandom((options.seed ?? 1) * 1000 + this.id);
  }

  get runtime(): Runtime {
    if (this.#runtime === null) throw new Error(`node ${this.id} was not started`);
    return this.#runtime;
  }

  get isLeader(): boolean {
    return this.runtime.stopped === null && this.runtime.core.state.role.name === 'leader';
  }

  async start(network: Network = this.options.network): Promise<Runtime> {
    const { time, config } = this.options;
    const starting = Runtime.start({
      nodeId: this.id,
      address: addressOf(this.id),
      config: resolveConfig({ ...FAKE_CONFIG, ...config }),
      logStore: this.logStore,
      snapshotStore: this.snapshotStore,
      stateMachine: this.stateMachine,
      codec: textCodec,
      network,
      clock: time,
      timers: time,
      random: this.#random,
      logger: this.logger,
      observer: this.observer,
    });
    const runtime = await drive(time, starting);
    runtime.events.listen((event) => this.events.push(event));
    this.#runtime = runtime;
    return runtime;
  }

  /** Queues a request for the next turn. */
  propose(
    text: string,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Proposed> {
    const result = this.runtime.proposals.add(encodeText(text), { timeoutMs: 5000, ...options });
    this.runtime.schedule();
    return result;
  }

  async shutdown(): Promise<void> {
    await drive(this.options.time, this.runtime.shutdown());
  }

  eventsOf<T extends NodeEvent['type']>(type: T): Extract<NodeEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<NodeEvent, { type: T }> => event.type === type);
  }
}

/** Runs the loop, without letting time pass, until the promise settles. */
export async function drive<T>(time: FakeTime, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const note = (): void => {
    isSettled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 1000 && !isSettled; turn += 1) await time.runTurn();
  if (!isSettled) throw new Error('the promise does not settle unless time passes');
  return await promise;
}

export interface Watched<T> {
  readonly result: PromiseSettledResult<T> | null;
  status(): string;
}

/** How a promise stands, without waiting for it: `null` while it is pending. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: { result: PromiseSettledResult<T> | null; status(): string } = {
    result: null,
    status: () => watched.result?.status ?? 'pending',
  };
  promise.then(
    (value) => {
      watched.result = { status: 'fulfilled', value };
    },
    (reason: unknown) => {
      watched.result = { status: 'rejected', reason };
    },
  );
  return watched;
}

export interface FakeClusterOptions {
  readonly ids?: readonly NodeId[];
  readonly config?: Partial<ConsensusConfig>;
  readonly seed?: number;
  /** Puts something around a node's network. */
  readonly wrap?: (network: Network, id: NodeId) => Network;
}

/** Nodes on one virtual clock, over the memory network. */
export class FakeCluster {
  readonly time: FakeTime = new FakeTime();
  readonly hub: MemHub;
  readonly nodes: Map<NodeId, FakeNode> = new Map<NodeId, FakeNode>();
  readonly #options: FakeClusterOptions;

  constructor(options: FakeClusterOptions = {}) {
    this.#options = options;
    this.hub = new MemHub({ timers: this.time, random: new SeededRandom(options.seed ?? 1) });
  }

  node(id: NodeId): FakeNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  get leader(): FakeNode {
    const leaders = [...this.nodes.values()].filter(({ isLeader }) => isLeader);
    const [leader] = leaders.sort((a, b) => b.runtime.core.state.hardState.term - a.runtime.core.state.hardState.term);
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  get followers(): FakeNode[] {
    const { leader } = this;
    return [...this.nodes.values()].filter((node) => node !== leader);
  }

  async add(id: NodeId): Promise<FakeNode> {
    const { config = {}, seed = 1 } = this.#options;
    const node = new FakeNode({ nodeId: id, time: this.time, network: this.#network(id), config, seed });
    this.nodes.set(id, node);
    await node.start();
    return node;
  }

  /** Starts a stopped node again from its stores. */
  async restart(id: NodeId): Promise<FakeNode> {
    const node = this.node(id);
    await node.start(this.#network(id));
    return node;
  }

  /** Starts all nodes, forms the cluster and lets node 1 be elected. */
  async form(): Promise<this> {
    const ids = this.#options.ids ?? [1, 2, 3];
    for (const id of ids) await this.add(id);
    const { runtime } = this.node(1);
    await runtime.identity.join('cluster');
    const nodes = new Map(ids.map((id) => [id, basicNode(id)]));
    await drive(this.time, runtime.changes.initialize(nodes, { timeoutMs: 5000 }));
    runtime.post({ type: 'elect' });
    await this.time.until(() =>
      [...this.nodes.values()].every(({ runtime: { appliedLogId } }) => appliedLogId.index >= 2),
    );
    return this;
  }

  /** Lets time pass until somebody leads among these. */
  async elected(ids: readonly NodeId[] = [...this.nodes.keys()]): Promise<FakeNode> {
    const leaderOf = (): FakeNode | undefined => ids.map((id) => this.node(id)).find(({ isLeader }) => isLeader);
    await this.time.until(() => leaderOf() !== undefined);
    const leader = leaderOf();
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  async close(): Promise<void> {
    this.hub.heal();
    for (const node of this.nodes.values()) {
      for (const { gate } of [node.logStore, node.snapshotStore, node.stateMachine]) gate.release();
      await node.shutdown();
    }
  }

  #network(id: NodeId): Network {
    const network = this.hub.network(addressOf(id));
    return this.#options.wrap?.(network, id) ?? network;
  }
}

function addressOf(id: NodeId): string {
  return `n${id}:1`;
}

export function basicNode(id: NodeId): BasicNode {
  return { addr: addressOf(id), instanceId: null, metadata: null };
}

/** Entries of one term, with their index as text. */
export function entries(term: number, fromIndex: number, toIndex: number): Entry[] {
  const made: Entry[] = [];
  for (let index = fromIndex; index < toIndex; index += 1) {
    made.push(normalEntry(logId(term, index), index, encodeText(`r${index}`)));
  }
  return made;
}
