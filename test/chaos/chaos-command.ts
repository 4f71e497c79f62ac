/** The command of a chaos run as a process, for tests. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const FLAGS = ['--conditions=zlayer-source', '--disable-warning=ExperimentalWarning'];

export class ChaosCommand {
  readonly process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #ended: Promise<readonly unknown[]>;
  #output = '';
  readonly #reader: AsyncIterator<string>;

  constructor(options: readonly string[]) {
    this.process = spawn(process.execPath, [...FLAGS, 'chaos/main.ts', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new TypeError('its output is piped');
    stdout.on('data', (bytes) => {
      this.#output += bytes.toString();
    });
    this.#reader = createInterface({ input: stderr })[Symbol.asyncIterator]();
    this.#ended = once(this.process, 'close');
  }

  /** The process id. */
  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** All that it said so far, for messages. */
  get said(): string {
    return this.#lines.join('\n');
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when it has said a line with that text. */
  async says(text: string): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.next();
      if (done === true) throw new Error(`it ended before it said '${text}':\n${this.said}`);
      this.#lines.push(value);
      if (value.includes(text)) return;
    }
  }

  /** Resolves with its exit code; null: it was killed. */
  async ends(): Promise<number | null> {
    for (let line = await this.#reader.next(); line.done !== true; line = await this.#reader.next()) {
      this.#lines.push(line.value);
    }
    await this.#ended;
    return this.process.exitCode;
  }
}

/** A directory for reports, gone afterwards. */
export async function withReports(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zlayer-reports-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
