/** A cluster of processes that talk over HTTP on the loopback interface. */
import { join } from 'node:path';
import type { LoadOptions, LoadResult } from './load.ts';
import type { NodeCommand, NodeSetup, NodeStatus } from './node-commands.ts';
import { NodeHandle } from './node-handle.ts';

/** A command that puts load on a node. */
type LoadCommand = Extract<NodeCommand, { readonly load: LoadOptions }>;

export class HttpCluster {
  /** The first one leads. */
  readonly nodes: readonly NodeHandle[];

  /** Resolves when all nodes are voters. Each has a directory of its own in `directory`, if one is given. */
  static async open(size: number, { directory, ...setup }: NodeSetup = {}): Promise<HttpCluster> {
    const nodes: NodeHandle[] = [];
    for (let nodeId = 1; nodeId <= size; nodeId += 1) {
      const place = directory === undefined ? {} : { directory: join(directory, `node-${nodeId}`) };
      nodes.push(await NodeHandle.start(nodeId, { ...setup, ...place }));
    }
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

  statuses(): Promise<readonly NodeStatus[]> {
    return Promise.all(this.nodes.map((node) => node.ask({ type: 'status' })));
  }

  async #cpuUs(): Promise<number> {
    return (await this.statuses()).reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  }

  #at(position: number): NodeHandle {
    const node = this.nodes[position];
    if (node === undefined) throw new RangeError(`the cluster has only ${this.nodes.length} nodes`);
    return node;
  }
}
