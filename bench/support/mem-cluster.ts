/** A cluster in this process: nodes that talk over the network in memory and keep everything in memory. */
import type { ConsensusConfig, ConsensusNode } from 'zlayer-consensus';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { MemHub } from 'zlayer-consensus/network/memory';
import { MemLogStore, MemSnapshotStore } from 'zlayer-consensus/storage/memory';
import type { KvRequest, KvResponse, KvStateMachine } from './key-value.ts';
import { kvStateMachine } from './key-value.ts';

/** A node with what it is made of. */
export interface MemMember {
  readonly node: ConsensusNode<KvRequest, KvResponse>;
  readonly stateMachine: KvStateMachine;
  readonly logStore: MemLogStore;
  readonly snapshotStore: MemSnapshotStore;
}

export interface MemClusterOptions {
  readonly size: number;
  readonly config?: Partial<ConsensusConfig>;
}

export class MemCluster {
  readonly hub: MemHub = new MemHub();
  readonly #config: Partial<ConsensusConfig>;
  readonly #members: MemMember[] = [];

  /** Resolves when all nodes are voters and the first one leads. */
  static async open({ size, config = {} }: MemClusterOptions): Promise<MemCluster> {
    const cluster = new MemCluster(config);
    const first = await cluster.start(1);
    await first.node.bootstrap();
    for (let nodeId = 2; nodeId <= size; nodeId += 1) {
      const { node } = await cluster.start(nodeId);
      await first.node.addVoter(nodeId, node.address);
    }
    return cluster;
  }

  private constructor(config: Partial<ConsensusConfig>) {
    this.#config = config;
  }

  get members(): readonly MemMember[] {
    return this.#members;
  }

  /** The member that leads. One that was cut off may believe that it still does: the newest term counts. */
  leader(): MemMember {
    const leaders = this.#members.filter(({ node }) => node.isLeader());
    const [leader] = leaders.sort((left, right) => termOf(right) - termOf(left));
    if (leader === undefined) throw new Error('the cluster has no leader at the moment');
    return leader;
  }

  /** Some member that does not lead. */
  follower(): MemMember {
    const leader = this.leader();
    const follower = this.#members.find((member) => member !== leader);
    if (follower === undefined) throw new Error('the cluster has no follower');
    return follower;
  }

  /** Starts a node; a member of no cluster unless its stores come from one. */
  async start(
    nodeId: number,
    stores: Pick<MemMember, 'logStore' | 'snapshotStore'> = {
      logStore: new MemLogStore(),
      snapshotStore: new MemSnapshotStore(),
    },
  ): Promise<MemMember> {
    const stateMachine = kvStateMachine();
    const address = addressOf(nodeId);
    const node = await new ConsensusNodeBuilder<KvRequest, KvResponse>(nodeId, address)
      .withConfig(this.#config)
      .withSnapshotStore(stores.snapshotStore)
      .buildWith(stores.logStore, stateMachine, this.hub.network(address));
    const { logStore, snapshotStore } = stores;
    const member = { node, stateMachine, logStore, snapshotStore };
    this.#members.push(member);
    return member;
  }

  /** Stops one node; its stores keep what they hold. */
  async stop(member: MemMember): Promise<void> {
    this.#members.splice(this.#members.indexOf(member), 1);
    await member.node.shutdown();
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ node }) => node.shutdown()));
  }
}

function termOf({ node }: MemMember): number {
  return node.metrics().currentTerm;
}

function addressOf(nodeId: number): string {
  return `node-${nodeId}:1`;
}
