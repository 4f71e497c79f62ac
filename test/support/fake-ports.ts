/** The small ports: randomness from a seed, and what a node says about itself. */
import type { Codec } from '../../src/ports/codec.ts';
import type { Logger } from '../../src/ports/logger.ts';
import type { Observer } from '../../src/ports/observer.ts';
import type { Random } from '../../src/ports/random.ts';
import { decodeText, encodeText } from './fake-state-machine.ts';

/** Equal seeds give equal numbers (mulberry32). */
export class SeededRandom implements Random {
  #state: number;
  #lastId = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  uniqueId(): string {
    this.#lastId += 1;
    return `id-${this.#seed}-${this.#lastId}`;
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }
}

export class RecordingObserver implements Observer {
  readonly counts: Map<string, number> = new Map<string, number>();
  readonly values: Map<string, number[]> = new Map<string, number[]>();

  count(name: string, count: number): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  record(name: string, value: number): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }
}

/** Requests and responses are text. */
export const textCodec: Codec<unknown, unknown> = {
  id: 'text/1',
  encodeRequest: (request) => encodeText(String(request)),
  decodeRequest: decodeText,
  encodeResponse: (response) => encodeText(String(response)),
  decodeResponse: decodeText,
};
