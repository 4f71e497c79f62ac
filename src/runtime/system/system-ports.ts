/** The real clock, timers and randomness. The only place in the library that touches them. */
import { randomUUID } from 'node:crypto';
import type { Clock, TimerHandle, Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
});

export const systemTimers: Timers = Object.freeze({
  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), 0x7fff_ffff));
    return { cancel: () => clearTimeout(timer) };
  },
  nextTurn(callback: () => void): void {
    setImmediate(callback);
  },
});

export const systemRandom: Random = Object.freeze({
  next: () => Math.random(),
  uniqueId: () => randomUUID(),
});
