/** Runs seeds in a process of its own, on the library with some patches. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { SimOptions } from '../src/testing/simulator/run/sim-options.ts';
import type { Patch } from './mutant.ts';
import type { SeedReport, WorkerStart } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A seed takes less than a second. A bug may make it run for ever. */
const SEED_LIMIT_MS = 900_000;

/** The worker ended before its answer: nothing can be said about the seed. */
class WorkerFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WorkerFailure';
  }
}

export class SeedRunner {
  readonly #worker: ChildProcess;
  /** A worker that is busy would not notice that nobody waits for it any more. */
  readonly #kill = (): unknown => this.#worker.kill();

  private constructor(worker: ChildProcess) {
    this.#worker = worker;
    process.once('exit', this.#kill);
  }

  /** @throws WorkerFailure when the patched sources can't be loaded */
  static async start(patches: readonly Patch[]): Promise<SeedRunner> {
    const runner = new SeedRunner(fork(WORKER, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] }));
    const start: WorkerStart = { patches };
    await runner.#ask(start);
    return runner;
  }

  /** One at a time. @throws WorkerFailure */
  async run(options: SimOptions): Promise<SeedReport> {
    // The worker answers nothing else once it is ready.
    return (await this.#ask(options)) as SeedReport;
  }

  close(): void {
    process.off('exit', this.#kill);
    this.#kill();
  }

  #ask(message: WorkerStart | SimOptions): Promise<unknown> {
    const worker = this.#worker;
    let errors = '';
    return new Promise((resolve, reject) => {
      const onErrors = (chunk: Buffer): void => {
        errors += chunk.toString();
      };
      const onExit = (code: number | null, signal: string | null): void => {
        settle(() => reject(new WorkerFailure(`the worker ended with ${signal ?? code}\n${errors}`)));
      };
      const onMessage = (answer: unknown): void => settle(() => resolve(answer));
      const timer = setTimeout(() => {
        settle(() => reject(new WorkerFailure(`the worker does not answer within ${SEED_LIMIT_MS} ms`)));
      }, SEED_LIMIT_MS);
      const settle = (answer: () => void): void => {
        clearTimeout(timer);
        worker.stderr?.off('data', onErrors);
        worker.off('close', onExit);
        worker.off('message', onMessage);
        answer();
      };
      worker.stderr?.on('data', onErrors);
      worker.on('close', onExit);
      worker.on('message', onMessage);
      worker.send(message);
    });
  }
}
