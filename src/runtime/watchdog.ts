/** Looks for what a node can't feel itself: a hanging disk, a slow state machine, a blocked event loop. */
import type { Clock, TimerHandle, Timers } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';

export interface WatchdogParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly observer: Observer;
  /** How often to look; also what counts as slow, ms. */
  readonly intervalMs: number;
  /** A write older than this costs the leadership, ms. */
  readonly diskHangMs: number;
  readonly oldestWriteMs: () => number | null;
  readonly applyStartedMs: () => number | null;
  readonly onSlow: (what: 'disk' | 'apply' | 'event-loop', ms: number) => void;
  readonly onDiskHang: () => void;
}

export class Watchdog {
  readonly #parts: WatchdogParts;
  #timer: TimerHandle | null = null;
  #dueMs = 0;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, timers, intervalMs } = this.#parts;
    this.#dueMs = clock.nowMs() + intervalMs;
    this.#timer = timers.setTimer(intervalMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    if (this.#timer === null) return;
    const { clock, observer, intervalMs, diskHangMs, oldestWriteMs, applyStartedMs, onSlow, onDiskHang } = this.#parts;
    const nowMs = clock.nowMs();
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    observer.record('event-loop.late.ms', lateMs);
    if (lateMs > intervalMs) onSlow('event-loop', lateMs);
    const writeMs = nowMs - (oldestWriteMs() ?? nowMs);
    if (writeMs > intervalMs) onSlow('disk', writeMs);
    if (writeMs > diskHangMs) onDiskHang();
    const applyMs = nowMs - (applyStartedMs() ?? nowMs);
    if (applyMs > intervalMs) onSlow('apply', applyMs);
    this.start();
  }
}
