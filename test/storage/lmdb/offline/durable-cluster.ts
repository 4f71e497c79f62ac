/** Whole nodes on real directories, for tests of the tools that look at these. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { NodeId } from '../../../../src/core/ids.ts';
import { MemHub } from '../../../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../../src/node/consensus-node-builder.ts';
import type { ConsensusConfig } from '../../../../src/runtime/config.ts';
import { openDurableStorage } from '../../../../src/storage/lmdb/index.ts';
import { MemStateMachine } from '../../../../src/storage/memory/index.ts';
import { systemRandom, systemTimers } from '../../../../src/system/system-ports.ts';

export interface Put {
  readonly key: string;
  readonly value: number;
}

export type KvNode = ConsensusNode<Put, number>;

export interface Running {
  readonly node: KvNode;
  readonly state: () => ReadonlyMap<string, number>;
}

export interface StartOptions {
  readonly id: NodeId;
  readonly directory: string;
  readonly config?: Partial<ConsensusConfig>;
}

/** A place for directories, gone after the test, and nodes that are stopped before that. */
export class Ground {
  readonly path: string;
  readonly hub: MemHub = new MemHub({ timers: systemTimers, random: systemRandom });
  readonly #nodes = new Set<KvNode>();

  private constructor(path: string) {
    this.path = path;
  }

  static async prepare(t: TestContext): Promise<Ground> {
    const ground = new Ground(await mkdtemp(join(tmpdir(), 'zlayer-offline-')));
    t.after(() => ground.#clear());
    return ground;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  /** The directory of node `id`, unless a test names another. */
  directory(id: NodeId): string {
    return this.at(`node-${id}`);
  }

  async start(id: NodeId, options: Partial<StartOptions> = {}): Promise<Running> {
    const { directory = this.directory(id), config = {} } = options;
    const stateMachine = new MemStateMachine<Map<string, number>, Put, number>({
      initialState: () => new Map(),
      apply: (state, { key, value }) => {
        state.set(key, value);
        return value;
      },
    });
    const { logStore, snapshotStore } = await openDurableStorage({ directory });
    const node = await new ConsensusNodeBuilder<Put, number>(id, addressOf(id))
      .withConfig({
        clusterName: 'test',
        heartbeatIntervalMs: 50,
        electionTimeoutMinMs: 300,
        electionTimeoutMaxMs: 600,
        ...config,
      })
      .withSnapshotStore(snapshotStore)
      .buildWith(logStore, stateMachine, this.hub.network(addressOf(id)));
    this.own(node);
    return { node, state: () => stateMachine.state };
  }

  /** A node alone, with `count` writes: `k` has the values from 1 to `count`, the last of which stays. */
  async single(count: number, options: Partial<StartOptions> = {}): Promise<Running> {
    const running = await this.start(1, options);
    await running.node.bootstrap();
    await write(running.node, count);
    return running;
  }

  /** Three voters; the first leads. */
  async three(options: Partial<StartOptions> = {}): Promise<readonly [Running, Running, Running]> {
    const first = await this.start(1, options);
    const second = await this.start(2, options);
    const third = await this.start(3, options);
    await first.node.bootstrap();
    await first.node.addVoter(2, addressOf(2));
    await first.node.addVoter(3, addressOf(3));
    return [first, second, third];
  }

  /** The node is stopped at the end of the test, if it still runs. */
  own(node: KvNode): void {
    this.#nodes.add(node);
  }

  async stop({ node }: Running): Promise<void> {
    await node.raft.shutdown();
    this.#nodes.delete(node);
  }

  async removeSnapshots(directory: string): Promise<void> {
    await rm(join(directory, 'snapshots'), { recursive: true });
  }

  async #clear(): Promise<void> {
    for (const node of this.#nodes) await node.raft.shutdown();
    await rm(this.path, { recursive: true, force: true });
  }
}

export function addressOf(id: NodeId): string {
  return `n${id}:1`;
}

/** One after the other. */
export async function write(node: KvNode, count: number, key: string = 'k'): Promise<void> {
  for (let value = 1; value <= count; value += 1) await node.propose({ key, value });
}

/** Takes a snapshot and drops all entries that it covers. */
export async function compact(node: KvNode): Promise<void> {
  const { lastApplied } = node.metrics();
  if (lastApplied === null) throw new Error('nothing was applied');
  await node.raft.trigger().snapshot();
  await node.wait(5000).snapshot(lastApplied);
  await node.raft.trigger().purgeLog(lastApplied.index);
  await node.wait(5000).purged(lastApplied);
}

/** Every file with its content, but for the table of readers that LMDB keeps beside its data. */
export async function contentOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const content = new Map<string, string>();
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    if ((await stat(path)).isDirectory()) content.set(name, 'directory');
    else if (!name.endsWith('lock.mdb')) content.set(name, (await readFile(path)).toString('base64'));
  }
  return content;
}
