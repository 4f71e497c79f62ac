/** The process of a node, seen from the process that measures. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NodeAnswers, NodeCommand, NodeReply, NodeSetup } from './node-commands.ts';

const NODE_PROCESS = fileURLToPath(new URL('../node-process.ts', import.meta.url));

interface StartedNode {
  readonly nodeId: number;
  readonly address: string;
  readonly startMs: number;
}

/** One command at a time. */
export class NodeHandle {
  readonly nodeId: number;
  readonly address: string;
  /** How long the node took to start, without its process. */
  readonly startMs: number;
  readonly #child: ChildProcess;

  /** Starts a process, and a node in it, which belongs to no cluster unless its data says so. */
  static async start(nodeId: number, setup: NodeSetup = {}): Promise<NodeHandle> {
    const child = fork(NODE_PROCESS);
    const { address, startMs } = await ask(child, { type: 'start', nodeId, ...setup });
    return new NodeHandle(child, { nodeId, address, startMs });
  }

  private constructor(child: ChildProcess, { nodeId, address, startMs }: StartedNode) {
    this.#child = child;
    this.nodeId = nodeId;
    this.address = address;
    this.startMs = startMs;
  }

  /** @throws Error when the command failed or the process ended */
  ask<Command extends NodeCommand>(command: Command): Promise<NodeAnswers[Command['type']]> {
    return ask(this.#child, command);
  }

  /** Ends the process without a goodbye, as a crash does. */
  kill(): Promise<void> {
    return this.#end(() => this.#child.kill('SIGKILL'));
  }

  async stop(): Promise<void> {
    await this.ask({ type: 'stop' });
    await this.#end(() => this.#child.disconnect());
  }

  #end(request: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      request();
    });
  }
}

function ask<Command extends NodeCommand>(
  child: ChildProcess,
  command: Command,
): Promise<NodeAnswers[Command['type']]> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the process of a node ended before it answered '${command.type}'`));
    child.once('exit', onExit);
    child.once('message', (reply: NodeReply) => {
      child.off('exit', onExit);
      if (reply.type === 'failed')
        reject(new Error(`'${command.type}' failed in the process of a node: ${reply.error}`));
      // Commands are answered in order, each with the answer of its type.
      else resolve(reply.answer as NodeAnswers[Command['type']]);
    });
    child.send(command);
  });
}
