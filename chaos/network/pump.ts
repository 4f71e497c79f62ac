/** Carries bytes from one socket to another, in order, as late and as haltingly as the line allows. */
import type { Socket } from 'node:net';
import type { LineCondition } from './line.ts';

/** So much may be under way; then the sender has to wait, as with a full socket buffer. */
const HELD_BYTES_MAX = 256 * 1024;

export interface PumpOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly condition: () => LineCondition;
  /** From 0, less than 1. */
  readonly random: () => number;
}

interface Piece {
  readonly dueMs: number;
  readonly bytes: Buffer;
}

export class Pump {
  readonly #options: PumpOptions;
  readonly #held: Piece[] = [];
  #heldBytes = 0;
  #lastDueMs = 0;
  #stalledUntilMs = 0;
  #end: 'open' | 'ended' | 'broken' = 'open';
  #timer: NodeJS.Timeout | null = null;

  constructor(options: PumpOptions) {
    this.#options = options;
    const { from, to } = options;
    from.on('data', (bytes: Buffer) => this.push(bytes));
    from.on('end', () => this.#finish('ended'));
    from.on('close', (hadError) => this.#finish(hadError ? 'broken' : 'ended'));
    to.on('drain', () => this.flush());
  }

  push(bytes: Buffer): void {
    if (this.#options.to.destroyed) return;
    const { delayMs, jitterMs } = this.#options.condition();
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + delayMs + jitterMs * this.#options.random());
    this.#held.push({ dueMs: this.#lastDueMs, bytes });
    this.#heldBytes += bytes.byteLength;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#options.from.pause();
    this.flush();
  }

  stall(ms: number): void {
    this.#stalledUntilMs = performance.now() + ms;
  }

  /** Sends on what is due. Call it when the condition of the line has changed. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { from, to, condition } = this.#options;
    if (condition().isCut || to.writableNeedDrain || to.destroyed) return;
    const nowMs = performance.now();
    for (let piece = this.#held[0]; piece !== undefined; piece = this.#held[0]) {
      const dueMs = Math.max(piece.dueMs, this.#stalledUntilMs);
      if (dueMs > nowMs) {
        this.#timer = setTimeout(() => this.flush(), dueMs - nowMs);
        return;
      }
      this.#held.shift();
      this.#heldBytes -= piece.bytes.byteLength;
      if (!to.write(piece.bytes)) return;
    }
    if (from.isPaused()) from.resume();
    if (this.#end === 'ended') to.end();
    else if (this.#end === 'broken') to.destroy();
  }

  /** The other side hears of it when all that was sent before has arrived: a line that is cut carries no farewell. */
  #finish(end: 'ended' | 'broken'): void {
    if (this.#end !== 'broken') this.#end = end;
    this.flush();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held.length = 0;
  }
}
