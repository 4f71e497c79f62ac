/**
 * Where things stand in a timeline. Distances are not to scale: what is near in time is drawn apart far enough for its
 * text, and what is far is drawn near. Only the order counts.
 */
import type { ShownOperation, ShownViolation } from '../explain/violation.ts';
import { formatDuration, formatTime, shorten, widthOf } from './text.ts';

/** How many characters a text may have; less where there is much to show. */
interface TextSizes {
  readonly label: number;
  readonly state: number;
}

const TEXT_SIZES: readonly [TextSizes, ...TextSizes[]] = [
  { label: 40, state: 40 },
  { label: 30, state: 24 },
  { label: 22, state: 16 },
];
/** Between neighbours: calls, returns, and places in the order. */
const GAP = 24;
/** Around a text. */
const PADDING = 16;

export interface Bar {
  readonly operation: ShownOperation<unknown, unknown>;
  readonly label: string;
  readonly fromX: number;
  /** Of the return, or of the right end for an operation whose outcome is unknown. */
  readonly toX: number;
  /** From where the bar fades; `toX` if it ends. */
  readonly fadeX: number;
  /** From the top, 0 first. */
  readonly row: number;
}

/** A place in the order. */
export interface Point {
  readonly number: number;
  readonly x: number;
  readonly row: number;
  readonly hiddenBefore: number;
}

/** A state, and how long it holds. */
export interface Span {
  readonly fromX: number;
  readonly toX: number;
  readonly label: string;
  readonly state: string;
}

export interface Lane {
  readonly process: string;
  readonly firstRow: number;
  readonly rows: number;
}

export interface Tick {
  readonly x: number;
  readonly label: string;
}

export interface Layout {
  readonly width: number;
  readonly rows: number;
  readonly lanes: readonly Lane[];
  readonly bars: readonly Bar[];
  readonly points: readonly Point[];
  readonly spans: readonly Span[];
  readonly ticks: readonly Tick[];
}

export interface LayoutArea {
  readonly fromX: number;
  /** It may become wider than that, never narrower. */
  readonly toX: number;
}

/** Shortens texts as far as it must to stay within the area, and becomes wider if that is not enough. */
export function layOut(violation: ShownViolation<unknown, unknown>, area: LayoutArea): Layout {
  const [largest, ...smaller] = TEXT_SIZES;
  let layout = layOutWith(violation, area, largest);
  for (const sizes of smaller) {
    // Rounding may make it a little wider than it was asked to be.
    if (layout.width <= area.toX + 1) break;
    layout = layOutWith(violation, area, sizes);
  }
  return layout;
}

function layOutWith(violation: ShownViolation<unknown, unknown>, area: LayoutArea, sizes: TextSizes): Layout {
  const marks = new Marks(violation, sizes);
  const { positions, endX } = marks.place(area);
  const at = (mark: number | undefined): number => (mark === undefined ? endX : (positions[mark] ?? endX));
  const { bars, lanes, rows } = stackBars(violation, (position) => {
    const { call, end } = marks.ofOperation(position);
    const { role, label = '' } = violation.operations[position] ?? {};
    const isOpen = end === undefined || role === 'assumed';
    const fadeX = end === undefined ? at(call) : at(end);
    return { fromX: at(call), toX: isOpen ? endX : at(end), fadeX, label: shorten(label, sizes.label) };
  });
  const points = violation.steps.map(({ operation, hiddenBefore }, index): Point => {
    return { number: index + 1, x: at(marks.ofStep(index)), row: bars[operation]?.row ?? 0, hiddenBefore };
  });
  const changes = marks.stateChanges();
  const spans = changes.map(({ step, state }, index): Span => {
    const next = changes[index + 1];
    const fromX = step === null ? area.fromX : at(marks.ofStep(step));
    const toX = next === undefined || next.step === null ? endX : at(marks.ofStep(next.step));
    return { fromX, toX, label: shorten(state, sizes.state), state };
  });
  return { width: endX, rows, lanes, bars, points, spans, ticks: ticksOf(marks, at) };
}

/** A call, a return, or a place in the order. */
type Mark =
  | { readonly type: 'call' | 'return'; readonly at: number; readonly operation: number }
  | { readonly type: 'step'; readonly step: number };

/** A distance that a text needs. `null`: the left end. */
interface Distance {
  readonly from: number | null;
  readonly width: number;
}

/** All that has a place from left to right, in order. */
class Marks {
  readonly marks: readonly Mark[];
  readonly #violation: ShownViolation<unknown, unknown>;
  readonly #sizes: TextSizes;
  readonly #calls = new Map<number, number>();
  readonly #ends = new Map<number, number>();
  readonly #steps = new Map<number, number>();
  readonly #distances = new Map<number, Distance[]>();

  constructor(violation: ShownViolation<unknown, unknown>, sizes: TextSizes) {
    this.#violation = violation;
    this.#sizes = sizes;
    this.marks = withSteps(eventsOf(violation), violation);
    for (const [index, mark] of this.marks.entries()) {
      if (mark.type === 'step') this.#steps.set(mark.step, index);
      else (mark.type === 'call' ? this.#calls : this.#ends).set(mark.operation, index);
    }
    this.#keepStatesApart();
    this.#keepLabelsApart();
  }

  ofOperation(position: number): { readonly call: number | undefined; readonly end: number | undefined } {
    return { call: this.#calls.get(position), end: this.#ends.get(position) };
  }

  ofStep(index: number): number | undefined {
    return this.#steps.get(index);
  }

  /** The first state (`step` is `null`), and each step that makes another one. */
  stateChanges(): readonly { readonly step: number | null; readonly state: string }[] {
    const { initialState, steps } = this.#violation;
    const changes: { readonly step: number | null; readonly state: string }[] = [{ step: null, state: initialState }];
    for (const [step, { state }] of steps.entries()) {
      if (state !== changes.at(-1)?.state) changes.push({ step, state });
    }
    return changes;
  }

  /** As near to each other as texts allow, then spread over the area. */
  place({ fromX, toX }: LayoutArea): { readonly positions: readonly number[]; readonly endX: number } {
    const positions: number[] = [];
    const afterTexts = (index: number): number => {
      const needs = (this.#distances.get(index) ?? []).map(({ from, width }) => {
        return (from === null ? 0 : (positions[from] ?? 0)) + width;
      });
      return Math.max(0, ...needs);
    };
    for (const index of this.marks.keys()) {
      positions.push(Math.max((positions.at(-1) ?? 0) + GAP, afterTexts(index)));
    }
    const end = Math.max((positions.at(-1) ?? 0) + GAP, afterTexts(this.marks.length));
    const stretch = Math.max(1, (toX - fromX) / end);
    return { positions: positions.map((position) => fromX + position * stretch), endX: fromX + end * stretch };
  }

  /** A state is written from its step to the next one that changes it. */
  #keepStatesApart(): void {
    const changes = this.stateChanges();
    for (const [index, { step, state }] of changes.entries()) {
      const from = step === null ? null : (this.#steps.get(step) ?? null);
      const next = changes[index + 1]?.step ?? null;
      const to = next === null ? undefined : this.#steps.get(next);
      this.#keepApart(from, to, shorten(state, this.#sizes.state));
    }
  }

  /** A label is written above its bar, up to the process's next call; a bar has half of its label's length at least. */
  #keepLabelsApart(): void {
    const nextOf = new Map<unknown, number>();
    for (const [position, { operation, label }] of [...this.#violation.operations.entries()].toReversed()) {
      const from = this.#calls.get(position) ?? null;
      const next = nextOf.get(operation.process);
      const text = shorten(label, this.#sizes.label);
      this.#keepApart(from, next === undefined ? undefined : this.#calls.get(next), text);
      if (operation.type === 'ok') this.#keepApart(from, this.#ends.get(position), text.slice(text.length / 2));
      nextOf.set(operation.process, position);
    }
  }

  /** `to`: the right end by default. */
  #keepApart(from: number | null, to: number | undefined, text: string): void {
    const mark = to ?? this.marks.length;
    const distances = this.#distances.get(mark) ?? [];
    distances.push({ from, width: widthOf(text) + PADDING });
    this.#distances.set(mark, distances);
  }
}

/** Calls and returns in order of time; at one time calls come first, as in the check. */
function eventsOf({ operations }: ShownViolation<unknown, unknown>): readonly Mark[] {
  const events = operations.flatMap(({ operation }, position): (Mark & { readonly at: number })[] => {
    const call = { type: 'call' as const, at: operation.callAt, operation: position };
    if (operation.type === 'unknown') return [call];
    return [call, { type: 'return' as const, at: operation.returnAt, operation: position }];
  });
  return events.toSorted((a, b) => a.at - b.at || (a.type === b.type ? 0 : a.type === 'call' ? -1 : 1));
}

/** Puts each place of the order right after the last call that it needs. */
function withSteps(events: readonly Mark[], { steps }: ShownViolation<unknown, unknown>): readonly Mark[] {
  const callOf = new Map(events.flatMap((mark, index) => (mark.type === 'call' ? [[mark.operation, index]] : [])));
  const stepsAfter = new Map<number, Mark[]>();
  let latest = 0;
  for (const [step, { operation }] of steps.entries()) {
    latest = Math.max(latest, callOf.get(operation) ?? 0);
    const list = stepsAfter.get(latest) ?? [];
    list.push({ type: 'step', step });
    stepsAfter.set(latest, list);
  }
  return events.flatMap((event, index) => [event, ...(stepsAfter.get(index) ?? [])]);
}

type Extent = Pick<Bar, 'fromX' | 'toX' | 'fadeX' | 'label'>;

/** A lane for each process, with as many rows as its operations need to not overlap. */
function stackBars(
  { operations }: ShownViolation<unknown, unknown>,
  extentOf: (position: number) => Extent,
): { readonly bars: readonly Bar[]; readonly lanes: readonly Lane[]; readonly rows: number } {
  const bars: Bar[] = [];
  const lanes: Lane[] = [];
  let firstRow = 0;
  for (const process of new Set(operations.map(({ operation }) => operation.process))) {
    const rowEnds: number[] = [];
    for (const [position, operation] of operations.entries()) {
      if (operation.operation.process !== process) continue;
      const extent = extentOf(position);
      const free = rowEnds.findIndex((endX) => endX <= extent.fromX);
      const row = free === -1 ? rowEnds.length : free;
      rowEnds[row] = extent.toX;
      bars[position] = { ...extent, operation, row: firstRow + row };
    }
    lanes.push({ process: String(process), firstRow, rows: rowEnds.length });
    firstRow += rowEnds.length;
  }
  return { bars, lanes, rows: firstRow };
}

/** Times of calls and returns, where there is room for them. */
function ticksOf(marks: Marks, at: (mark: number) => number): readonly Tick[] {
  const times = marks.marks.flatMap((mark, index) => (mark.type === 'step' ? [] : [{ x: at(index), at: mark.at }]));
  const startAt = times[0]?.at ?? 0;
  const ticks: Tick[] = [];
  let freeX = Number.NEGATIVE_INFINITY;
  for (const { x, at: time } of times) {
    const label = times[0]?.x === x ? formatTime(startAt) : `+${formatDuration(time - startAt)}`;
    if (x - widthOf(label) / 2 < freeX) continue;
    ticks.push({ x, label });
    freeX = x + widthOf(label) / 2 + PADDING;
  }
  return ticks;
}
