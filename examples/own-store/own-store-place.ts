/** A directory for the suite, and what can happen to it there. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogStoreDamage, LogStorePlace } from 'zlayer-consensus/testing';
import type { LogWrite } from './log-lines.ts';
import { decodeLine, linesOf } from './log-lines.ts';
import { OwnLogStore } from './own-log-store.ts';

export class OwnStorePlace implements LogStorePlace {
  readonly location: string = 'log.v1';
  readonly #root = mkdtempSync(join(tmpdir(), 'own-store-'));
  readonly #stores: OwnLogStore[] = [];
  #crashes = 0;

  constructor() {
    mkdirSync(this.#directory);
  }

  make(): OwnLogStore {
    const store = new OwnLogStore(this.#directory);
    this.#stores.push(store);
    return store;
  }

  async remove(): Promise<void> {
    await Promise.allSettled(this.#stores.map((store) => store.close()));
    rmSync(this.#root, { recursive: true });
  }

  /** Goes on with a copy: nothing that the old store still does reaches it. */
  crash(seed: number): void {
    const before = this.#directory;
    this.#crashes += 1;
    cpSync(before, this.#directory, { recursive: true });
    if (seed % 2 === 1) this.#tear(seed);
  }

  damage({ part, index, type, seed }: LogStoreDamage): void {
    const file = readFileSync(this.#file);
    const line = [...linesOf(file)].findLast(({ start, end }) =>
      decodeLine(file.subarray(start, end))?.writes.some((write) => isPart(write, part, index)),
    );
    if (line === undefined) throw new Error(`there is no ${part} ${index} in the file`);
    const { start, end } = line;
    if (type === 'remove') {
      writeFileSync(this.#file, Buffer.concat([file.subarray(0, start), file.subarray(end)]));
    } else {
      const at = start + ((seed * 7919) % (end - start));
      file[at] = (file[at] ?? 0) ^ (1 << (seed % 8));
      writeFileSync(this.#file, file);
    }
  }

  get #directory(): string {
    return join(this.#root, String(this.#crashes));
  }

  get #file(): string {
    return join(this.#directory, 'log.v1');
  }

  /** What a power cut leaves of a line that was being written. */
  #tear(seed: number): void {
    const file = readFileSync(this.#file);
    const { start, end } = [...linesOf(file)].at(-1) ?? { start: 0, end: 0 };
    const torn = file.subarray(start, start + ((seed * 7919) % Math.max(end - start, 1)));
    writeFileSync(this.#file, Buffer.concat([file, torn]));
  }
}

function isPart(write: LogWrite, part: LogStoreDamage['part'], index: number): boolean {
  switch (part) {
    case 'entry':
      return write.append?.some(({ logId }) => logId.index === index) === true;
    case 'hard-state':
      return write.hardState !== undefined;
    case 'identity':
      return write.identity !== undefined;
    case 'last-purged':
      return write.purgeTo !== undefined;
  }
}
