/** How long to leave a peer alone after a failure: longer each time, never beyond a cap, never in step with others. */
import type { SystemPorts } from './system-ports.ts';

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #ports: Pick<SystemPorts, 'clock' | 'random'>;
  #failures = 0;
  #retryAtMs = 0;

  constructor(options: BackoffOptions, ports: Pick<SystemPorts, 'clock' | 'random'>) {
    this.#options = options;
    this.#ports = ports;
  }

  /** How long it still is until the next try; 0 when it may be made now. */
  get remainingMs(): number {
    return Math.max(0, this.#retryAtMs - this.#ports.clock.nowMs());
  }

  /** A try failed. */
  fail(): void {
    const { minMs, maxMs } = this.#options;
    const fullMs = Math.min(maxMs, minMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    // Half of it is random, so that nodes that lost the same peer do not come back together.
    this.#retryAtMs = this.#ports.clock.nowMs() + fullMs * (0.5 + 0.5 * this.#ports.random.next());
  }

  /** The peer will not change its mind soon. */
  pause(pauseMs: number): void {
    this.#retryAtMs = this.#ports.clock.nowMs() + pauseMs;
  }

  succeed(): void {
    this.#failures = 0;
    this.#retryAtMs = 0;
  }
}
