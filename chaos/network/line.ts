/** The lines between nodes, each in one direction, and what can be wrong with one. */

/** Places of nodes, counted from 0. */
export interface Line {
  readonly from: number;
  readonly to: number;
}

export interface LineCondition {
  /** Nothing arrives, silently. */
  readonly isCut: boolean;
  readonly delayMs: number;
  /** Up to so much more, at random; what is sent first arrives first. */
  readonly jitterMs: number;
  /** Of each connection: how often it stops for a while, as it does when packets are lost and sent again. */
  readonly stallsPerMinute: number;
  /** Of each connection: how often it is reset. */
  readonly resetsPerMinute: number;
  /** Of messages that are posted: which part arrives once more, 0 to 1. */
  readonly replayShare: number;
}

export const CLEAR: LineCondition = Object.freeze({
  isCut: false,
  delayMs: 0,
  jitterMs: 0,
  stallsPerMinute: 0,
  resetsPerMinute: 0,
  replayShare: 0,
});

/** Both at once. */
function combined(one: LineCondition, other: LineCondition): LineCondition {
  return {
    isCut: one.isCut || other.isCut,
    delayMs: Math.max(one.delayMs, other.delayMs),
    jitterMs: Math.max(one.jitterMs, other.jitterMs),
    stallsPerMinute: Math.max(one.stallsPerMinute, other.stallsPerMinute),
    resetsPerMinute: Math.max(one.resetsPerMinute, other.resetsPerMinute),
    replayShare: Math.max(one.replayShare, other.replayShare),
  };
}

/** Several impairments at a time, each with lines of its own. */
export class LineTable {
  readonly #impairments = new Set<{ readonly lines: readonly Line[]; readonly condition: LineCondition }>();

  /** Returns what takes it back. */
  add(lines: readonly Line[], condition: Partial<LineCondition>): () => void {
    const impairment = { lines, condition: { ...CLEAR, ...condition } };
    this.#impairments.add(impairment);
    return () => this.#impairments.delete(impairment);
  }

  of({ from, to }: Line): LineCondition {
    let condition = CLEAR;
    for (const impairment of this.#impairments) {
      const isMeant = impairment.lines.some((line) => line.from === from && line.to === to);
      if (isMeant) condition = combined(condition, impairment.condition);
    }
    return condition;
  }
}

/** Every line between two of the places, in both directions. */
export function linesAmong(places: readonly number[]): readonly Line[] {
  return places.flatMap((from) => places.flatMap((to) => (from === to ? [] : [{ from, to }])));
}

/** Every line between one of these and one of those, in both directions. */
export function linesBetween(these: readonly number[], those: readonly number[]): readonly Line[] {
  return linesFrom(these, those).concat(linesFrom(those, these));
}

export function linesFrom(these: readonly number[], those: readonly number[]): readonly Line[] {
  return these.flatMap((from) => those.flatMap((to) => (from === to ? [] : [{ from, to }])));
}
