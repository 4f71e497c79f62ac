/** The process of the clients, seen from the run. */
import type { ClientCommands, ClientSetup, ClientTarget, OperationCounts } from '../client/client-commands.ts';
import { Asker } from '../support/channel.ts';
import type { Launcher, LaunchOptions } from '../support/launch.ts';

const ANSWER_MS = 10_000;

/** All operations under way end in a few seconds. */
const STOP_MS = 20_000;
const READ_ALL_MS = 120_000;

export class ClientsHandle {
  readonly #asker: Asker<ClientCommands>;

  constructor(launcher: Launcher, launch: Omit<LaunchOptions, 'module'>) {
    this.#asker = new Asker(launcher.launch({ ...launch, module: 'client/client-process.ts' }));
  }

  /** Resolves with the time, of `monotonicMs`, that is 0 in the history. */
  async start(setup: ClientSetup): Promise<number> {
    return (await this.#asker.ask('start', setup, ANSWER_MS)).originMs;
  }

  async setTarget(target: ClientTarget): Promise<void> {
    await this.#asker.ask('target', target, ANSWER_MS);
  }

  async counts(): Promise<OperationCounts> {
    return await this.#asker.ask('counts', null, ANSWER_MS);
  }

  async stop(): Promise<OperationCounts> {
    return await this.#asker.ask('stop', null, STOP_MS);
  }

  /** What went wrong; null when every key was read through the node of that place. */
  async readAll(place: number): Promise<string | null> {
    return (await this.#asker.ask('read-all', { place }, READ_ALL_MS)).problem;
  }
}
