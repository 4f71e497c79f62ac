/** One direction between two nodes, and what is wrong with it. */
import type { NodeId } from '../../../core/ids.ts';
import type { SimRandom } from '../time/sim-random.ts';

/** What is left out is as usual. */
export interface LinkCondition {
  /** Nothing passes. */
  readonly isCut?: boolean;
  /** Shares of the messages, 0 to 1. */
  readonly lossRate?: number;
  readonly duplicateRate?: number;
  /** Share of the messages that may overtake others, or be overtaken. */
  readonly reorderRate?: number;
  /** Added to the usual way. */
  readonly delayMinMs?: number;
  readonly delayMaxMs?: number;
}

/** A condition and the links that have it. */
export interface LinkRule {
  readonly applies: (from: NodeId, to: NodeId) => boolean;
  readonly condition: LinkCondition;
}

/** Large messages and small ones keep their order among themselves only. */
export type Lane = 'small' | 'large';

/** One message in so many takes much longer than usual. */
const TAIL_RATE = 0.01;
const TAIL_FACTOR = 10;

/** How much later something arrives that does not keep its order. */
const REORDER_FACTOR = 8;

export class Link {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly #random: SimRandom;
  readonly #usual: { readonly minMs: number; readonly maxMs: number };
  /** When the last message of each lane arrives: the next one comes after it. */
  readonly #lastMs = { small: 0, large: 0 };
  isCut = false;
  lossRate = 0;
  duplicateRate = 0;
  #reorderRate = 0;
  #delayMinMs = 0;
  #delayMaxMs = 0;

  constructor(ends: { readonly from: NodeId; readonly to: NodeId }, random: SimRandom, maxMs: number) {
    this.from = ends.from;
    this.to = ends.to;
    this.#random = random;
    const fastestMs = random.between(0.05, maxMs);
    this.#usual = { minMs: fastestMs, maxMs: fastestMs + random.between(0.05, maxMs) };
  }

  /** Takes over what the rules say; of several, the worst of each. */
  update(rules: Iterable<LinkRule>): void {
    this.isCut = false;
    this.lossRate = 0;
    this.duplicateRate = 0;
    this.#reorderRate = 0;
    this.#delayMinMs = 0;
    this.#delayMaxMs = 0;
    for (const { applies, condition } of rules) if (applies(this.from, this.to)) this.#suffer(condition);
  }

  isLost(): boolean {
    return this.lossRate > 0 && this.#random.chance(this.lossRate);
  }

  isDuplicated(): boolean {
    return this.duplicateRate > 0 && this.#random.chance(this.duplicateRate);
  }

  /** Chooses when a message that leaves now arrives. */
  arrivalMs(nowMs: number, lane: Lane): number {
    const random = this.#random;
    const delayMs = this.#delayMs();
    if (this.#reorderRate > 0 && random.chance(this.#reorderRate)) return nowMs + delayMs * REORDER_FACTOR;
    const arrivalMs = Math.max(this.#lastMs[lane], nowMs + delayMs);
    this.#lastMs[lane] = arrivalMs;
    return arrivalMs;
  }

  #delayMs(): number {
    const random = this.#random;
    const { minMs, maxMs } = this.#usual;
    const share = random.next();
    // Most are fast.
    const usualMs = minMs + (maxMs - minMs) * share * share * (random.chance(TAIL_RATE) ? TAIL_FACTOR : 1);
    const extraMs = this.#delayMaxMs > 0 ? random.between(this.#delayMinMs, this.#delayMaxMs) : 0;
    return usualMs + extraMs;
  }

  #suffer(condition: LinkCondition): void {
    this.isCut ||= condition.isCut === true;
    this.lossRate = Math.max(this.lossRate, condition.lossRate ?? 0);
    this.duplicateRate = Math.max(this.duplicateRate, condition.duplicateRate ?? 0);
    this.#reorderRate = Math.max(this.#reorderRate, condition.reorderRate ?? 0);
    this.#delayMinMs = Math.max(this.#delayMinMs, condition.delayMinMs ?? 0);
    this.#delayMaxMs = Math.max(this.#delayMaxMs, condition.delayMaxMs ?? 0);
  }
}
