/** The real clock, timers and randomness. The only place in the library that touches them. */
import { randomUUID } from 'node:crypto';
import type { Clock, TimerHandle, Timers } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
});

/** What a running node waits for: its timers keep the process alive until it is shut down. */
export const systemTimers: Timers = Object.freeze({
  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = startTimer(delayMs, callback);
    return { cancel: () => clearTimeout(timer) };
  },
  nextTurn(callback: () => void): void {
    setImmediate(callback);
  },
});

/** For adapters, whose sockets keep the process alive while there is something to wait for. */
export const backgroundTimers: Timers = Object.freeze({
  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = startTimer(delayMs, callback).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  nextTurn: systemTimers.nextTurn,
});

export const systemRandom: Random = Object.freeze({
  next: () => Math.random(),
  uniqueId: () => randomUUID(),
});

/** The longest delay the platform takes. */
const MAX_DELAY_MS = 0x7fff_ffff;

function startTimer(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
}
