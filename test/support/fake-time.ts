/**
 * An event loop with virtual time: timers, then I/O, then what was put off to the end of the turn, as in Node.js. Time
 * stands still while code runs, unless `spend` says otherwise.
 */
import type { Clock, TimerHandle, Timers } from '../../src/ports/clock.ts';

interface FakeTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** The wall clock when virtual time starts. */
const WALL_START_MS = 1_700_000_000_000;

/** More turns than any test needs: something schedules itself for ever. */
const TURNS_MAX = 100_000;

export class FakeTime implements Clock, Timers {
  #nowMs = 0;
  #wallOffsetMs = WALL_START_MS;
  /** By due time, then in the order of the calls. */
  #timers: FakeTimer[] = [];
  readonly #io: (() => void)[] = [];
  readonly #turns: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    // Like the real one: never in the turn that set it.
    const timer: FakeTimer = { dueMs: this.#nowMs + Math.max(1, delayMs), callback };
    const index = this.#timers.findIndex(({ dueMs }) => dueMs > timer.dueMs);
    this.#timers.splice(index === -1 ? this.#timers.length : index, 0, timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  nextTurn(callback: () => void): void {
    this.#turns.push(callback);
  }

  /** Something waits in a socket: it is read in the next I/O phase. */
  io(callback: () => void): void {
    this.#io.push(callback);
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** When the next timer is due, `Infinity` when none is set. */
  get nextTimerMs(): number {
    return this.#timers[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** The running code takes this long, or the loop stalls: time passes and nothing else happens. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** One turn of the loop: the timers that are due, the I/O that waits, then the rest. */
  async runTurn(): Promise<void> {
    await settle();
    while (this.nextTimerMs <= this.#nowMs) await this.#run(this.#timers.shift()?.callback);
    for (const callback of this.#io.splice(0)) await this.#run(callback);
    for (const callback of this.#turns.splice(0)) await this.#run(callback);
  }

  /** Turns until nothing is left to do at this time. */
  async runTurns(): Promise<void> {
    await settle();
    for (let turn = 0; this.#isBusy(); turn += 1) {
      if (turn > TURNS_MAX) throw new Error(`the loop is still busy after ${TURNS_MAX} turns`);
      await this.runTurn();
    }
  }

  /** Lets time pass, each timer firing when it is due. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.runTurns();
    while (this.nextTimerMs <= untilMs) {
      this.#nowMs = Math.max(this.#nowMs, this.nextTimerMs);
      await this.runTurns();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Lets time pass until `condition` holds. */
  async until(condition: () => boolean, limitMs: number = 60_000): Promise<void> {
    const untilMs = this.#nowMs + limitMs;
    await this.runTurns();
    while (!condition()) {
      if (this.nextTimerMs > untilMs) throw new Error(`the condition does not hold after ${limitMs} ms`);
      this.#nowMs = Math.max(this.#nowMs, this.nextTimerMs);
      await this.runTurns();
    }
  }

  #isBusy(): boolean {
    return this.#io.length > 0 || this.#turns.length > 0 || this.nextTimerMs <= this.#nowMs;
  }

  async #run(callback: (() => void) | undefined): Promise<void> {
    callback?.();
    await settle();
  }
}

/** Resolves when all promises that can go on without I/O or timers have done so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
