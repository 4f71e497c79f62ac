/** A cluster of processes that talk over HTTP on the loopback interface and keep everything in memory. */
import type { ConsensusConfig } from 'zlayer-consensus';
import type { LoadOptions, LoadResult } from './load.ts';
import type { NodeCommand } from './node-commands.ts';
import { NodeHandle } from './node-handle.ts';

/** A command that puts load on a node. */
type LoadCommand = Extract<NodeCommand, { readonly load: LoadOptions }>;

export class HttpCluster {
  /** The first one leads. */
  readonly nodes: readonly NodeHandle[];

  /** Resolves when all nodes are voters. */
  static async open(size: number, config: Partial<ConsensusConfig> = {}): Promise<HttpCluster> {
    const nodes: NodeHandle[] = [];
    for (let nodeId = 1; nodeId <= size; nodeId += 1) nodes.push(await NodeHandle.start(nodeId, config));
    const cluster = new HttpCluster(nodes);
    await cluster.leader.ask({ type: 'bootstrap' });
    for (const { nodeId, address } of nodes.slice(1)) await cluster.leader.ask({ type: 'add-voter', nodeId, address });
    return cluster;
  }

  private constructor(nodes: readonly NodeHandle[]) {
    this.nodes = nodes;
  }

  get leader(): NodeHandle {
    return this.#at(0);
  }

  get follower(): NodeHandle {
    return this.#at(1);
  }

  /**
   * Runs load in the process of a node; the result counts the time of all processes.
   * @throws Error when the first node does not lead any more: the figures would be of something else
   */
  async load(on: NodeHandle, command: LoadCommand): Promise<LoadResult> {
    const before = await this.#cpuUs();
    const result = await on.ask(command);
    const cpuUs = (await this.#cpuUs()) - before;
    const { isLeader } = await this.leader.ask({ type: 'status' });
    if (!isLeader) throw new Error('the leader changed under load');
    return { ...result, cpuUs };
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #cpuUs(): Promise<number> {
    const statuses = await Promise.all(this.nodes.map((node) => node.ask({ type: 'status' })));
    return statuses.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  }

  #at(position: number): NodeHandle {
    const node = this.nodes[position];
    if (node === undefined) throw new RangeError(`the cluster has only ${this.nodes.length} nodes`);
    return node;
  }
}
