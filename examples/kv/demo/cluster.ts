/** The demo's nodes: real processes on loopback, started, killed and asked. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NodeStatus } from '../kv-client.ts';
import { KvClient, KvError } from '../kv-client.ts';

const NODE_FILE = fileURLToPath(new URL('../node.ts', import.meta.url));
const PORTS_FILE = 'ports.json';
const POLL_MS = 50;

export interface DemoNode {
  readonly id: number;
  readonly pid: number;
  readonly address: string;
  readonly client: KvClient;
  readonly process: ChildProcess;
}

export interface DemoClusterOptions {
  /** Where the nodes keep their data, each in a directory of its own; `null`: in memory. */
  readonly directory: string | null;
}

export class DemoCluster {
  readonly #directory: string | null;
  readonly #nodes = new Map<number, DemoNode>();
  /** Where each node listened when it was first started: its address belongs to the cluster. */
  readonly #ports = new Map<number, number>();

  constructor({ directory }: DemoClusterOptions) {
    this.#directory = directory;
  }

  /** The nodes whose process runs, by id. */
  get nodes(): readonly DemoNode[] {
    return [...this.#nodes.values()].sort((a, b) => a.id - b.id);
  }

  /** Starts three nodes. The first forms a cluster and the others are added to it, unless their data says they are one. */
  async form(): Promise<void> {
    const known = await this.#readPorts();
    for (const [id, port] of known) this.#ports.set(id, port);
    const [first, second, third] = await Promise.all([this.start(1, ['--bootstrap']), this.start(2), this.start(3)]);
    if (known.length > 0) return;
    await first.client.addMember(second.id, second.address);
    await first.client.addMember(third.id, third.address);
    await this.#writePorts();
  }

  /** Starts a node and waits until it serves; one that ran before comes back with its address and its data. */
  async start(id: number, args: readonly string[] = []): Promise<DemoNode> {
    const where = ['--port', String(this.#ports.get(id) ?? 0)];
    if (this.#directory !== null) where.push('--data', join(this.#directory, `node-${id}`));
    const child = fork(NODE_FILE, ['--id', String(id), ...where, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.once('exit', () => this.#nodes.delete(id));
    const started = once(child, 'message') as Promise<[{ readonly address: string }]>;
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`node ${id} ended with code ${String(code)} before it served`);
    });
    const [{ address }] = await Promise.race([started, failed]);
    const node = { id, pid: child.pid ?? 0, address, client: new KvClient(address), process: child };
    this.#nodes.set(id, node);
    this.#ports.set(id, Number(address.split(':')[1]));
    return node;
  }

  /** kill -9: no goodbye, no flush. */
  async kill(id: number): Promise<void> {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    const ended = once(node.process, 'exit');
    node.process.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    const running = this.nodes.filter(({ process }) => process.exitCode === null && process.signalCode === null);
    const ended = running.map(({ process }) => once(process, 'exit'));
    for (const { process } of running) process.kill('SIGTERM');
    const isDone = await Promise.race([Promise.all(ended).then(() => true), delay(3000, false, { ref: false })]);
    if (!isDone) for (const { process } of running) process.kill('SIGKILL');
  }

  async #readPorts(): Promise<readonly [number, number][]> {
    if (this.#directory === null) return [];
    try {
      return JSON.parse(await readFile(join(this.#directory, PORTS_FILE), 'utf8')) as [number, number][];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async #writePorts(): Promise<void> {
    if (this.#directory === null) return;
    await writeFile(join(this.#directory, PORTS_FILE), JSON.stringify([...this.#ports]));
  }

  /** What each running node says of itself; nodes that don't answer are left out. */
  async statuses(): Promise<readonly NodeStatus[]> {
    const answers = await Promise.allSettled(this.nodes.map(({ client }) => client.status()));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** The node that leads; waits until there is one. */
  async leader(timeoutMs = 10_000): Promise<DemoNode> {
    const deadlineMs = performance.now() + timeoutMs;
    while (performance.now() < deadlineMs) {
      const statuses = await this.statuses();
      const leading = statuses.filter(({ role }) => role === 'leader').sort((a, b) => b.term - a.term)[0];
      const node = leading === undefined ? undefined : this.#nodes.get(leading.id);
      if (node !== undefined) return node;
      await delay(POLL_MS);
    }
    throw new Error(`no node led within ${timeoutMs} ms`);
  }
}

/** Repeats what failed only for want of a leader, on one node after the other. */
export async function retrying<T>(nodes: () => readonly DemoNode[], call: (node: DemoNode) => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + 20_000;
  for (let attempt = 0; ; attempt += 1) {
    const available = nodes();
    const node = available[attempt % Math.max(1, available.length)];
    try {
      if (node === undefined) throw new Error('no node is running');
      return await call(node);
    } catch (error) {
      const isFinal = error instanceof KvError && !error.isTransient;
      if (isFinal || performance.now() > deadlineMs) throw error;
      await delay(10);
    }
  }
}
