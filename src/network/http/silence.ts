/**
 * Notices a peer that takes everything and says nothing: a stopped process, or a network that lost the connection
 * without a word. Looks only when something is sent, so it needs no timer:
 *
 * ```text
 *   sent, no answer ──half the limit──> probe ──the limit──> silent
 *        any byte from the peer starts it anew
 * ```
 */
import type { SystemPorts } from './system-ports.ts';

export interface SilenceOptions {
  readonly limitMs: number;
  readonly ports: Pick<SystemPorts, 'clock' | 'timers'>;
  /** Ask the peer for a sign of life. */
  readonly onProbe: () => void;
  readonly onSilent: () => void;
}

export class Silence {
  readonly #options: SilenceOptions;
  /** When something was sent first since the peer was last heard. */
  #askedAtMs: number | null = null;
  #probedAtMs: number | null = null;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  onReceived(): void {
    this.#askedAtMs = null;
    this.#probedAtMs = null;
  }

  onSent(): void {
    const { limitMs, ports, onProbe } = this.#options;
    const nowMs = ports.clock.nowMs();
    if (this.#askedAtMs === null) {
      this.#askedAtMs = nowMs;
    } else if (this.#probedAtMs === null) {
      if (nowMs - this.#askedAtMs >= limitMs / 2) {
        this.#probedAtMs = nowMs;
        onProbe();
      }
    } else if (nowMs - this.#probedAtMs >= limitMs / 2) {
      this.#checkAfterReading(this.#probedAtMs);
    }
  }

  /** After a stall of this process the answer may lie unread in the socket: read before judging. */
  #checkAfterReading(probedAtMs: number): void {
    const { ports, onSilent } = this.#options;
    ports.timers.nextTurn(() => {
      if (this.#probedAtMs === probedAtMs) {
        onSilent();
      }
    });
  }
}
