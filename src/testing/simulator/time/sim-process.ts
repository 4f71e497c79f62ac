/**
 * One process of the simulation: an event loop and clocks of its own, as Node.js has them. Each turn runs the timers
 * that are due, then what waits in the sockets and of the disk, then what was put off to the end of the turn.
 */
import type { Clock, TimerHandle, Timers } from '../../../ports/clock.ts';
import type { Runnable, Timeline } from './timeline.ts';
import { roundUp } from './timeline.ts';

/** The wall clock of a node whose clock is right, when the simulation starts. */
const WALL_START_MS = 1_700_000_000_000;

/** What a timer may be early by, because its time was computed from another clock. */
const TOLERANCE_MS = 1e-6;

interface SimTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export interface SimProcessParts {
  readonly timeline: Timeline;
  /** After each callback of the process, once its promises have nothing left to do. */
  readonly onSettled: () => void;
  /** Monotonic time at the start: unrelated between processes. */
  readonly startMs: number;
  /** Speed of the clock; 1 is right. */
  readonly rate: number;
  /** By how much the wall clock is wrong. */
  readonly wallOffsetMs: number;
}

type Phase = 'idle' | 'timers' | 'io' | 'turns';

export class SimProcess implements Clock, Timers, Runnable {
  readonly #timeline: Timeline;
  readonly #onSettled: () => void;
  #rate: number;
  /** Where the own clock stood when the rate last changed. */
  #baseLocalMs: number;
  #baseGlobalMs: number;
  #wallOffsetMs: number;
  /** Sorted by due time, the next one last. */
  readonly #timers: SimTimer[] = [];
  #io: (() => void)[] = [];
  #turns: (() => void)[] = [];
  #phase: Phase = 'idle';
  /** Of what the phase found when it began. */
  #batch: (() => void)[] = [];
  #batchAt = 0;
  /** How far the running callback has come in global time. */
  #aheadMs = 0;
  /** Global time until which the loop is blocked. */
  #busyUntilMs = 0;
  #isRunning = false;
  #isReady = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #isAlive = true;
  /** How many more calls of its ports the process lives to make. */
  #callsLeft = Number.POSITIVE_INFINITY;
  #onDoom: () => void = () => undefined;

  constructor(parts: SimProcessParts) {
    this.#timeline = parts.timeline;
    this.#onSettled = parts.onSettled;
    this.#rate = parts.rate;
    this.#baseLocalMs = parts.startMs;
    this.#baseGlobalMs = parts.timeline.nowMs;
    this.#wallOffsetMs = parts.wallOffsetMs;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get rate(): number {
    return this.#rate;
  }

  nowMs(): number {
    return this.#baseLocalMs + (this.#globalMs() - this.#baseGlobalMs) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(WALL_START_MS + this.#globalMs() + this.#wallOffsetMs);
  }

  /** A timer never fires in the turn that set it, and not before a millisecond has passed. */
  setTimer(delayMs: number, callback: () => void): TimerHandle {
    if (!this.#isAlive) return { cancel: () => undefined };
    const timer: SimTimer = { dueMs: this.nowMs() + Math.max(1, delayMs), callback };
    this.#insert(timer);
    if (!this.#isRunning) this.#schedule();
    return { cancel: () => this.#remove(timer) };
  }

  nextTurn(callback: () => void): void {
    if (!this.#isAlive) return;
    this.#turns.push(callback);
    if (!this.#isRunning) this.#schedule();
  }

  /** Something arrived from outside: it is taken in the next I/O phase. */
  io(callback: () => void): void {
    if (!this.#isAlive) return;
    this.#io.push(callback);
    if (!this.#isRunning) this.#schedule();
  }

  /** As `io`, later. Returns what cancels it. */
  ioAfter(delayMs: number, callback: () => void): () => void {
    return this.#timeline.after(delayMs, () => this.io(callback));
  }

  /** The running callback takes so long: the clock moves on, and nothing else happens in this process. */
  spend(ms: number): void {
    this.#aheadMs = roundUp(this.#globalMs() + ms);
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#aheadMs);
  }

  /** The loop stops where it is, as for a long computation or a stopped process. */
  stall(ms: number): void {
    this.#busyUntilMs = Math.max(this.#busyUntilMs, roundUp(this.#timeline.nowMs + ms));
  }

  /** Ends all stalls. */
  resume(): void {
    this.#busyUntilMs = this.#globalMs();
    this.#schedule();
  }

  setRate(rate: number): void {
    this.#baseLocalMs = this.nowMs();
    this.#baseGlobalMs = this.#globalMs();
    this.#rate = rate;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#schedule();
  }

  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** The process makes so many calls of its ports; before the one after that `onDoom` is called, which is to kill it. */
  doom(calls: number, onDoom: () => void): void {
    this.#callsLeft = calls;
    this.#onDoom = onDoom;
  }

  /** A port is called: disk or network. Returns whether the process is still there to do it. */
  portCall(): boolean {
    this.#callsLeft -= 1;
    if (this.#callsLeft < 0 && this.#isAlive) {
      this.#callsLeft = Number.POSITIVE_INFINITY;
      this.#onDoom();
    }
    return this.#isAlive;
  }

  /** The process is gone: nothing of it happens any more. */
  kill(): void {
    this.#isAlive = false;
    this.#timers.length = 0;
    this.#io = [];
    this.#turns = [];
    this.#batch = [];
    this.#batchAt = 0;
    this.#phase = 'idle';
  }

  runOne(): boolean {
    const isBlocked = !this.#isAlive || this.#busyUntilMs > this.#timeline.nowMs;
    const callback = isBlocked ? null : this.#next();
    if (callback === null) {
      this.#isReady = false;
      this.#schedule();
      return false;
    }
    this.#isRunning = true;
    try {
      callback();
    } finally {
      this.#isRunning = false;
    }
    return true;
  }

  settled(): void {
    this.#onSettled();
  }

  #next(): (() => void) | null {
    if (this.#phase === 'idle') {
      if (!this.#hasWork() && !this.#isTimerDue()) return null;
      this.#phase = 'timers';
    }
    if (this.#phase === 'timers') {
      const callback = this.#nextTimer();
      if (callback !== null) return callback;
      this.#phase = 'io';
      this.#batch = this.#io;
      this.#batchAt = 0;
      this.#io = [];
    }
    if (this.#phase === 'io') {
      const callback = this.#nextOfBatch();
      if (callback !== null) return callback;
      this.#phase = 'turns';
      this.#batch = this.#turns;
      this.#batchAt = 0;
      this.#turns = [];
    }
    const callback = this.#nextOfBatch();
    if (callback !== null) return callback;
    this.#phase = 'idle';
    return this.#hasWork() || this.#isTimerDue() ? this.#next() : null;
  }

  #nextOfBatch(): (() => void) | null {
    const callback = this.#batch[this.#batchAt];
    this.#batchAt += 1;
    return callback ?? null;
  }

  #nextTimer(): (() => void) | null {
    return this.#isTimerDue() ? (this.#timers.pop()?.callback ?? null) : null;
  }

  #isTimerDue(): boolean {
    const timer = this.#timers.at(-1);
    return timer !== undefined && timer.dueMs <= this.nowMs() + TOLERANCE_MS;
  }

  #hasWork(): boolean {
    return this.#io.length > 0 || this.#turns.length > 0;
  }

  #insert(timer: SimTimer): void {
    const timers = this.#timers;
    let position = timers.length;
    while (position > 0) {
      const other = timers[position - 1];
      if (other === undefined || other.dueMs > timer.dueMs) break;
      position -= 1;
    }
    timers.splice(position, 0, timer);
  }

  #remove(timer: SimTimer): void {
    const position = this.#timers.indexOf(timer);
    if (position !== -1) this.#timers.splice(position, 1);
  }

  #globalMs(): number {
    return Math.max(this.#timeline.nowMs, this.#aheadMs);
  }

  /** Makes sure that the timeline asks this process when it has something to do. */
  #schedule(): void {
    if (!this.#isAlive || this.#isReady) return;
    const nowMs = this.#timeline.nowMs;
    const atMs = Math.max(this.#busyUntilMs, this.#phase !== 'idle' || this.#hasWork() ? nowMs : this.#nextTimerMs());
    if (atMs <= nowMs) {
      this.#isReady = true;
      this.#timeline.ready(this);
    } else if (atMs < this.#wakeAtMs) {
      this.#wakeAtMs = atMs;
      if (atMs !== Number.POSITIVE_INFINITY) this.#timeline.after(atMs - nowMs, () => this.#wake(atMs));
    }
  }

  #wake(atMs: number): void {
    // An earlier wake-up or a new rate took the place of this one.
    if (this.#wakeAtMs !== atMs) return;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#schedule();
  }

  /** Global time of the next timer. */
  #nextTimerMs(): number {
    const timer = this.#timers.at(-1);
    if (timer === undefined) return Number.POSITIVE_INFINITY;
    return roundUp(this.#baseGlobalMs + (timer.dueMs - this.#baseLocalMs) / this.#rate);
  }
}
