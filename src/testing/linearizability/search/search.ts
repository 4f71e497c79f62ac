/**
 * Looks for an order of operations that a model accepts and that respects real time: the search of Wing and Gong, with
 * Lowe's cache of configurations. It places one operation after another, only ever one that was called before any
 * remaining one returned, and goes back where nothing fits.
 */
import type { Model } from '../model.ts';
import { DueList } from './due-list.ts';
import { EventList } from './event-list.ts';
import { Farthest } from './farthest.ts';
import type { Item } from './item.ts';
import type { LimitReached, SearchCost, SearchLimits } from './limits.ts';
import { LimitError, limitReached } from './limits.ts';
import { Lookahead } from './lookahead.ts';
import type { Candidate, Move, Position } from './moves.ts';
import { chooseParts } from './moves.ts';
import { OpenMoves } from './open-moves.ts';
import type { OpenClass, Target } from './open-operations.ts';
import { OpenOperations } from './open-operations.ts';
import { PartTable } from './part-table.ts';
import { PlacedSet, wordOf } from './placed-set.ts';
import { NO_STATE, Transitions } from './transitions.ts';
import type { Configuration } from './visited.ts';
import { Visited } from './visited.ts';

export type SearchOutcome<Input, Output> =
  /** All required operations fit, in this order. */
  | { readonly type: 'found'; readonly order: readonly Item<Input, Output>[] }
  /**
   * No order fits. `order` is one of those that come farthest; `blocked` is the operation whose return none of them can
   * get past.
   */
  | {
      readonly type: 'none';
      readonly order: readonly Item<Input, Output>[];
      readonly blocked: Item<Input, Output>;
    }
  | {
      readonly type: 'gave-up';
      readonly limit: LimitReached;
      /** Required operations in the order that came farthest. */
      readonly placed: number;
      /** Required operations that may be what no order can explain, the most likely first. */
      readonly suspects: readonly Item<Input, Output>[];
    };

export type SearchResult<Input, Output> = SearchOutcome<Input, Output> & { readonly cost: SearchCost };

/** Searches once. Deterministic, unless the deadline decides. */
export function searchOrder<Input, Output, State>(
  items: readonly Item<Input, Output>[],
  model: Model<Input, Output, State>,
  limits: SearchLimits,
): SearchResult<Input, Output> {
  const search = new Search(items, model, limits);
  const outcome = search.run();
  return { ...outcome, cost: search.cost };
}

/** A configuration on the way, and what is left to try there. */
interface Frame {
  /** Operations that were placed before the move that led here. */
  readonly mark: number;
  readonly stateId: number;
  /** Event number of the first return; what the search is stuck at if no move helps. */
  readonly frontier: number;
  readonly moves: readonly Move[];
  tried: number;
}

function appliedAt<Input, Output, State>(
  model: Model<Input, Output, State>,
  { input, output }: Target<Input, Output>,
): number | null {
  return output === undefined || model.appliedAt === undefined ? null : model.appliedAt(input, output);
}

/** Questions of the clock are rare. */
const FRAMES_PER_LIMIT_CHECK = 64;

class Search<Input, Output, State> {
  readonly #limits: SearchLimits;
  readonly #required: readonly Item<Input, Output>[];
  readonly #targets: readonly Target<Input, Output>[];
  readonly #isReadOnly: readonly boolean[];
  readonly #transitions: Transitions<Input, Output, State>;
  readonly #parts: PartTable<Input, Output, State>;
  readonly #open: OpenOperations<Input, Output, State>;
  readonly #openMoves: OpenMoves<Input, Output, State>;
  readonly #events: EventList;
  readonly #due: DueList;
  readonly #lookahead: Lookahead<Input, Output, State>;
  readonly #placed: PlacedSet;
  readonly #visited = new Visited();
  /** Placed operations: the number of a required one, or `~class` of an open one. */
  readonly #trail: number[] = [];
  readonly #frames: Frame[] = [];
  #stateId: number;
  readonly #farthest = new Farthest();

  constructor(items: readonly Item<Input, Output>[], model: Model<Input, Output, State>, limits: SearchLimits) {
    this.#limits = limits;
    this.#required = items.filter(({ isRequired }) => isRequired).toSorted((a, b) => a.callAt - b.callAt);
    this.#transitions = new Transitions(model, limits);
    this.#parts = new PartTable(model);
    this.#targets = this.#classify();
    this.#isReadOnly = this.#targets.map(({ input, output }) => model.isReadOnly(input, output));
    const open = items.filter(({ isRequired }) => !isRequired);
    this.#open = new OpenOperations(open, model, this.#parts, this.#transitions);
    this.#openMoves = new OpenMoves(this.#open, this.#parts, this.#transitions);
    this.#events = new EventList(this.#required);
    this.#due = new DueList(this.#targets.map((target) => appliedAt(model, target)));
    this.#lookahead = new Lookahead(model);
    for (const target of this.#targets) this.#lookahead.expect(target, true);
    for (const openClass of this.#open.classes) {
      for (const _ of openClass.items) this.#lookahead.expect(openClass, false);
    }
    this.#placed = new PlacedSet(this.#required.length);
    this.#stateId = this.#transitions.initialId;
  }

  get cost(): SearchCost {
    return { steps: this.#transitions.steps, cacheEntries: this.#visited.size + this.#transitions.states };
  }

  run(): SearchOutcome<Input, Output> {
    try {
      return this.#run();
    } catch (error) {
      if (error instanceof LimitError) return this.#gaveUp(error.limit);
      throw error;
    }
  }

  #run(): SearchOutcome<Input, Output> {
    if (this.#enter(0, null)) return this.#found();
    for (let turn = 1; ; turn += 1) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return this.#none();
      const move = frame.moves[frame.tried];
      if (move === undefined) this.#leave(frame);
      else {
        frame.tried += 1;
        const mark = this.#trail.length;
        this.#place(move);
        if (this.#enter(mark, move)) return this.#found();
      }
      const limit = turn % FRAMES_PER_LIMIT_CHECK === 0 ? limitReached(this.cost, this.#limits) : null;
      if (limit !== null) return this.#gaveUp(limit);
    }
  }

  /**
   * Arrives in a configuration, by the given move or at the start; true when nothing is left to place. Goes back at once
   * where it has been before.
   */
  #enter(mark: number, move: Move | null): boolean {
    const position = this.#settle();
    if (position === null) return true;
    const moves = this.#movesAfter(move, mark, position);
    if (moves === null) {
      this.#undo(mark);
      return false;
    }
    this.#frames.push({ mark, stateId: this.#stateId, frontier: position.urgent.returnEvent, moves, tried: 0 });
    return false;
  }

  /** What to try next; `null` when all that was tried before. */
  #movesAfter(move: Move | null, mark: number, position: Position<Input, Output>): readonly Move[] | null {
    const missing = this.#lookahead.missing(this.#transitions.stateOf(this.#stateId));
    if (missing !== null) {
      this.#farthest.noteMissing(this.#frames.at(-1)?.frontier ?? 0, missing);
      return move === null ? [] : null;
    }
    const isSettled = this.#trail.length > mark + 1;
    const configuration = this.#configuration();
    if (move === null || move.neededSince === null || isSettled) {
      return this.#visited.add(configuration) ? this.#findMoves(position) : null;
    }
    // Not all that is possible is tried here, so it does not count as visited.
    if (this.#visited.has(configuration)) return null;
    return this.#openMoves.findDependent(position, this.#classOf(move.index).part, move.neededSince);
  }

  /**
   * Places every read that fits: whatever order there is, the read may as well come now. A write that changes nothing now
   * must wait its turn, since later it might. Then tells what else could come next; `null` when all is placed.
   */
  #settle(): Position<Input, Output> | null {
    const events = this.#events;
    const candidates: Candidate<Input, Output>[] = [];
    let event = events.first();
    while (event !== events.end && !events.isReturn(event)) {
      const index = events.operationOf(event);
      const target = this.#targetOf(index);
      const stateId = this.#transitions.step(this.#stateId, target);
      if (stateId === this.#stateId && this.#isReadOnly[index] === true) {
        const before = events.previous(event);
        this.#placeRequired(index);
        event = events.next(before);
      } else {
        candidates.push({ index, target, returnEvent: events.returnOf(index), stateId });
        event = events.next(event);
      }
    }
    if (event === events.end) return null;
    const first = events.operationOf(event);
    const urgent = candidates.find(({ index }) => index === first);
    // The call of the first return lies before it, so it is a candidate.
    if (urgent === undefined) throw new Error(`operation ${first} returns before it is called`);
    return { stateId: this.#stateId, candidates, urgent, untilAt: this.#requiredAt(first).returnAt };
  }

  #findMoves(position: Position<Input, Output>): readonly Move[] {
    const chosen = chooseParts(position, this.#parts, this.#transitions);
    if (chosen === 'none') return [];
    const isChosen = (part: number): boolean => chosen === null || chosen.has(part);
    const required = new Map<Target<Input, Output>, Move>();
    // Whoever returns first has most likely also been first. Of those that ask and answer the same, the others can wait.
    for (const { index, target, stateId } of position.candidates.toSorted((a, b) => a.returnEvent - b.returnEvent)) {
      const isPossible = stateId !== NO_STATE && this.#due.isDue(index) && isChosen(target.part);
      if (!isPossible || required.has(target)) continue;
      required.set(target, { index, isOpen: false, stateId, neededSince: null });
    }
    return [...required.values(), ...this.#openMoves.find(position, isChosen)];
  }

  #configuration(): Configuration {
    const firstWord = wordOf(this.#events.operationOf(this.#events.first()));
    return {
      hash: this.#placed.hash,
      firstWord,
      words: this.#placed.wordsFrom(firstWord),
      stateId: this.#stateId,
      open: this.#open.words(),
    };
  }

  #place({ index, isOpen, stateId }: Move): void {
    this.#stateId = stateId;
    if (!isOpen) {
      this.#placeRequired(index);
      return;
    }
    this.#open.take(index);
    this.#lookahead.place(this.#classOf(index));
    this.#trail.push(~index);
  }

  #placeRequired(index: number): void {
    this.#events.lift(index);
    this.#due.lift(index);
    this.#placed.add(index);
    this.#lookahead.place(this.#targetOf(index));
    this.#trail.push(index);
  }

  /** Takes back what was placed after the mark. The state is then the one of the frame on top. */
  #undo(mark: number): void {
    while (this.#trail.length > mark) {
      const placed = this.#trail.pop() ?? 0;
      if (placed < 0) {
        this.#open.putBack(~placed);
        this.#lookahead.putBack(this.#classOf(~placed));
      } else {
        this.#lookahead.putBack(this.#targetOf(placed));
        this.#events.unlift(placed);
        this.#due.unlift(placed);
        this.#placed.delete(placed);
      }
    }
    this.#stateId = this.#frames.at(-1)?.stateId ?? this.#transitions.initialId;
  }

  #leave(frame: Frame): void {
    this.#farthest.note(frame.frontier, this.#placed.count, this.#trail);
    this.#frames.pop();
    this.#undo(frame.mark);
  }

  #found(): SearchOutcome<Input, Output> {
    return { type: 'found', order: this.#orderOf(this.#trail) };
  }

  #none(): SearchOutcome<Input, Output> {
    const { frontier, trail } = this.#farthest;
    const blocked = this.#requiredAt(this.#events.operationOf(frontier));
    return { type: 'none', order: this.#orderOf(trail), blocked };
  }

  #gaveUp(limit: LimitReached): SearchOutcome<Input, Output> {
    const placed = Math.max(this.#farthest.required, this.#placed.count);
    return { type: 'gave-up', limit, placed, suspects: this.#suspects() };
  }

  /** Who was to read the values that were missing in the end, and whoever was to return next there. */
  #suspects(): readonly Item<Input, Output>[] {
    const { frontier, trail } = this.#farthest;
    const placed = new Set(trail);
    const left = [...this.#required.keys()].filter((index) => !placed.has(index));
    const readers = this.#farthest.missing().flatMap((watched) => {
      const ofValue = left.filter((index) => this.#lookahead.isReader(this.#targetOf(index), watched));
      return ofValue.toSorted((a, b) => this.#events.returnOf(a) - this.#events.returnOf(b)).slice(0, 1);
    });
    const blocked = frontier < 0 ? [] : [this.#events.operationOf(frontier)];
    return [...new Set([...readers, ...blocked])].map((index) => this.#requiredAt(index));
  }

  #orderOf(trail: readonly number[]): readonly Item<Input, Output>[] {
    const taken = new Map<number, number>();
    return trail.flatMap((placed) => {
      if (placed >= 0) return this.#requiredAt(placed);
      const position = taken.get(~placed) ?? 0;
      taken.set(~placed, position + 1);
      return this.#open.classes[~placed]?.items[position] ?? [];
    });
  }

  /** One object for all required operations that ask and answer the same: that is how they are recognised. */
  #classify(): readonly Target<Input, Output>[] {
    const targets = new Map<string, Target<Input, Output>>();
    return this.#required.map(({ input, output }) => {
      const key = JSON.stringify([input, output]);
      const target = targets.get(key) ?? { input, output, part: this.#parts.numberOf(input) };
      targets.set(key, target);
      return target;
    });
  }

  #targetOf(index: number): Target<Input, Output> {
    const target = this.#targets[index];
    if (target === undefined) throw new RangeError(`there is no operation ${index}`);
    return target;
  }

  #classOf(index: number): OpenClass<Input, Output> {
    const openClass = this.#open.classes[index];
    if (openClass === undefined) throw new RangeError(`there is no class ${index} of open operations`);
    return openClass;
  }

  #requiredAt(index: number): Item<Input, Output> {
    const item = this.#required[index];
    if (item === undefined) throw new RangeError(`there is no operation ${index}`);
    return item;
  }
}
