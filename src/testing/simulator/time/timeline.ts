/**
 * Virtual time for a whole cluster: what is due next happens next, and time jumps there. Between two steps everything
 * that promises can do without I/O is done, as between two callbacks of a real event loop.
 */

/** Something that happens at a time. */
export interface TimelineEvent {
  readonly atMs: number;
  /** In which order events of the same time were set. */
  readonly order: number;
  run: (() => void) | null;
}

/** A process with callbacks to run. */
export interface Runnable {
  /** Runs one callback; `false` when there is none to run now. Asked again as long as there is one. */
  runOne(): boolean;
  /** The callback and all that its promises led to is over. */
  settled(): void;
}

/** Something goes round in circles, or feeds on itself. */
export class StandstillError extends Error {
  constructor(nowMs: number, steps: number) {
    super(`time hardly goes on at ${nowMs} ms, after ${steps} steps`);
    this.name = 'StandstillError';
  }
}

/** Times are multiples of this, so that they are exact and short in a trace. */
const STEPS_PER_MS = 1024;

/** So much never happens, unless something is wrong: at one time, and in a second on average. */
const STEPS_AT_ONE_TIME_MAX = 100_000;
const STEPS_PER_SECOND_MAX = 40_000;
const STEPS_FOR_A_START = 500_000;

export class Timeline {
  #nowMs = 0;
  #order = 0;
  readonly #heap: TimelineEvent[] = [];
  #ready: Runnable[] = [];
  #readyHead = 0;
  #steps = 0;
  #stepsAtNow = 0;
  #stepsMax = STEPS_FOR_A_START;
  /** Who took the step before. */
  #last: Runnable | null = null;
  #isHalted = false;

  /** Global time; no node sees it. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Callbacks and events so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs the callback once, `delayMs` from now. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void {
    const event: TimelineEvent = { atMs: roundUp(this.#nowMs + Math.max(0, delayMs)), order: this.#order, run };
    this.#order += 1;
    pushEvent(this.#heap, event);
    return () => {
      event.run = null;
    };
  }

  /** The process has something to run now. It says so once, until it had nothing more to run. */
  ready(process: Runnable): void {
    this.#ready.push(process);
  }

  /** No further step is taken by the `run` under way. */
  halt(): void {
    this.#isHalted = true;
  }

  /**
   * Takes steps until the time has come, nothing is left to do, or `halt` is called. Rejects with what a step throws.
   * Each step starts when all microtasks of the one before are done.
   */
  run(untilMs: number): Promise<void> {
    this.#isHalted = false;
    return new Promise((resolve, reject) => {
      const again = (): void => process.nextTick(pump);
      const pump = (): void => {
        try {
          if (!this.#step(untilMs)) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        // A tick waits until the microtasks are done, but not for I/O: there is none.
        queueMicrotask(again);
      };
      process.nextTick(pump);
    });
  }

  #step(untilMs: number): boolean {
    const last = this.#last;
    this.#last = null;
    last?.settled();
    if (this.#isHalted) return false;
    this.#steps += 1;
    this.#stepsAtNow += 1;
    if (this.#stepsAtNow > STEPS_AT_ONE_TIME_MAX || this.#steps > this.#stepsMax) {
      throw new StandstillError(this.#nowMs, this.#steps);
    }
    if (this.#runReady()) return true;
    const heap = this.#heap;
    for (;;) {
      const event = heap[0];
      if (event === undefined || event.atMs > untilMs) {
        if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      popEvent(heap);
      const { run } = event;
      if (run === null) continue;
      if (event.atMs > this.#nowMs) {
        this.#stepsAtNow = 0;
        this.#stepsMax = STEPS_FOR_A_START + (event.atMs / 1000) * STEPS_PER_SECOND_MAX;
        this.#nowMs = event.atMs;
      }
      run();
      return true;
    }
  }

  #runReady(): boolean {
    while (this.#readyHead < this.#ready.length) {
      const process = this.#ready[this.#readyHead];
      if (process?.runOne() === true) {
        this.#last = process;
        return true;
      }
      this.#readyHead += 1;
    }
    if (this.#readyHead > 0) {
      this.#ready = [];
      this.#readyHead = 0;
    }
    return false;
  }
}

/** The first time from `ms` on that the timeline knows. */
export function roundUp(ms: number): number {
  return Math.ceil(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

function isBefore(a: TimelineEvent, b: TimelineEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function pushEvent(heap: TimelineEvent[], event: TimelineEvent): void {
  let position = heap.length;
  heap.push(event);
  while (position > 0) {
    const above = (position - 1) >> 1;
    const other = heap[above];
    if (other === undefined || !isBefore(event, other)) break;
    heap[position] = other;
    position = above;
  }
  heap[position] = event;
}

function popEvent(heap: TimelineEvent[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let position = 0;
  for (;;) {
    const left = 2 * position + 1;
    const leftEvent = heap[left];
    if (leftEvent === undefined) break;
    const rightEvent = heap[left + 1];
    const isRight = rightEvent !== undefined && isBefore(rightEvent, leftEvent);
    const child = isRight ? rightEvent : leftEvent;
    if (!isBefore(child, last)) break;
    heap[position] = child;
    position = isRight ? left + 1 : left;
  }
  heap[position] = last;
}
