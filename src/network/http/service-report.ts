/** Counts what peers and strangers send that is not taken, and tells the logger of it, but not too often. */
import type { Logger } from '../../ports/logger.ts';
import type { Observer } from '../../ports/observer.ts';
import type { SystemPorts } from './system-ports.ts';

/** Why something was refused. */
export type RefusalKind =
  | 'unauthenticated'
  | 'version'
  | 'cluster'
  | 'node'
  | 'instance'
  | 'not-ready'
  | 'malformed'
  | 'too-large'
  | 'too-slow'
  | 'no-such-endpoint'
  | 'failed';

export interface RaftServiceStats {
  /** Messages that reached the node. */
  readonly messages: number;
  /** Requests on behalf of other nodes' clients. */
  readonly requests: number;
  /** Streams that are open now. */
  readonly openStreams: number;
  /** How often each kind of refusal happened; kinds that never did are 0. */
  readonly refused: Readonly<Record<RefusalKind, number>>;
}

export interface ServiceReportOptions extends Pick<SystemPorts, 'clock'> {
  readonly logger: Logger | null;
  readonly observer: Observer | null;
}

/** One line per kind in this time; the next one tells how many were left out. */
const LOG_INTERVAL_MS = 10_000;

interface LogState {
  nextAtMs: number;
  suppressed: number;
}

export class ServiceReport {
  readonly #options: ServiceReportOptions;
  readonly #logStates = new Map<RefusalKind, LogState>();
  readonly #refused: Record<RefusalKind, number> = {
    unauthenticated: 0,
    version: 0,
    cluster: 0,
    node: 0,
    instance: 0,
    'not-ready': 0,
    malformed: 0,
    'too-large': 0,
    'too-slow': 0,
    'no-such-endpoint': 0,
    failed: 0,
  };
  #messages = 0;
  #requests = 0;
  #openStreams = 0;

  constructor(options: ServiceReportOptions) {
    this.#options = options;
  }

  get openStreams(): number {
    return this.#openStreams;
  }

  stats(): RaftServiceStats {
    return {
      messages: this.#messages,
      requests: this.#requests,
      openStreams: this.#openStreams,
      refused: { ...this.#refused },
    };
  }

  onMessage(): void {
    this.#messages += 1;
  }

  onRequest(): void {
    this.#requests += 1;
  }

  onStreamOpened(): void {
    this.#openStreams += 1;
    this.#options.observer?.count('http.stream.opened', 1);
  }

  onStreamClosed(): void {
    this.#openStreams -= 1;
    this.#options.observer?.count('http.stream.closed', 1);
  }

  /** `remote` is the address of whoever sent it. */
  onRefused(kind: RefusalKind, error: Error, remote: string): void {
    this.#refused[kind] += 1;
    const { clock, logger, observer } = this.#options;
    observer?.count(`http.refused.${kind}`, 1);
    const state = this.#logStates.get(kind) ?? { nextAtMs: 0, suppressed: 0 };
    this.#logStates.set(kind, state);
    const nowMs = clock.nowMs();
    if (nowMs < state.nextAtMs) {
      state.suppressed += 1;
      return;
    }
    logger?.warn({ kind, remote, suppressed: state.suppressed, reason: error.message }, 'refused what a peer sent');
    state.nextAtMs = nowMs + LOG_INTERVAL_MS;
    state.suppressed = 0;
  }
}
