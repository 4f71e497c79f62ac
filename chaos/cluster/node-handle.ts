/** The process of a node, seen from the run. */
import type { ChildProcess } from 'node:child_process';
import { Asker } from '../support/channel.ts';
import type { Launcher, LaunchOptions } from '../support/launch.ts';
import type { NodeCommands, NodeSetup, NodeStopped } from './node-commands.ts';

/** Storage is opened and checked meanwhile, on a machine that may be busy. */
const START_MS = 30_000;
const STOP_MS = 10_000;
const ANSWER_MS = 12_000;

export interface NodeHandleOptions {
  readonly launcher: Launcher;
  readonly launch: Omit<LaunchOptions, 'module'>;
  readonly setup: NodeSetup;
  /** It stopped by itself; the process still runs. */
  readonly onStopped: (news: NodeStopped) => void;
  /** The process ended, whatever the reason. */
  readonly onExit: (code: number | null, signal: string | null) => void;
}

export class NodeHandle {
  readonly nodeId: number;
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly #child: ChildProcess;
  readonly #asker: Asker<NodeCommands>;

  /** @throws CommandError when the node did not start: its process is gone then, too */
  static async start({ launcher, launch, setup, onStopped, onExit }: NodeHandleOptions): Promise<NodeHandle> {
    const child = launcher.launch({ ...launch, module: 'cluster/node-process.ts' });
    const asker = new Asker<NodeCommands>(child, (news) => onStopped(news as NodeStopped));
    try {
      const ports = await asker.ask('start', setup, START_MS);
      child.once('exit', onExit);
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
      return new NodeHandle(child, asker, { ...setup, ...ports });
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  private constructor(
    child: ChildProcess,
    asker: Asker<NodeCommands>,
    { nodeId, peerAddress, peerPort, clientPort }: NodeSetup,
  ) {
    this.#child = child;
    this.#asker = asker;
    this.nodeId = nodeId;
    this.peerAddress = peerAddress;
    this.peerPort = peerPort;
    this.clientPort = clientPort;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async ask<Name extends keyof NodeCommands>(
    command: Name,
    given: NodeCommands[Name]['given'],
    timeoutMs: number = ANSWER_MS,
  ): Promise<NodeCommands[Name]['answer']> {
    return await this.#asker.ask(command, given, timeoutMs);
  }

  /** No goodbye, no flush; also when it is paused. */
  async kill(): Promise<void> {
    await this.#ended(() => this.#child.kill('SIGKILL'));
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** With a goodbye. @throws Error when it took too long, or failed: the process is killed then */
  async stop(): Promise<void> {
    try {
      await this.ask('stop', null, STOP_MS);
    } finally {
      await this.kill();
    }
  }

  async #ended(end: () => void): Promise<void> {
    if (!this.isRunning) return;
    await new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
      end();
    });
  }
}
