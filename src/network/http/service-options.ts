/** Options of the side that is called: defaults, meaning, and one check of all of them. */
import type { Logger } from '../../ports/logger.ts';
import type { InboundHandler } from '../../ports/network.ts';
import type { Observer } from '../../ports/observer.ts';
import type { AuthToken } from './bearer-token.ts';
import { tokenProblems } from './bearer-token.ts';
import type { OptionCheck } from './check-options.ts';
import {
  atLeast,
  findProblems,
  positiveInteger,
  positiveMs,
  requireNoProblems,
  urlPrefix,
  withDefaults,
} from './check-options.ts';
import type { SystemPorts } from './system-ports.ts';
import { SYSTEM_PORTS } from './system-ports.ts';
import { DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_QUEUE_BYTES, DEFAULT_PREFIX } from './wire.ts';

/** What answers: a `Raft`, or anything else with an inbound side. */
export interface RaftServiceTarget {
  /** `null` while it is not ready: peers are told to come back. */
  readonly inbound: InboundHandler | null;
  /** Aborted when the target is shut down: the service then closes too, and with it the streams of peers. */
  readonly shutdownSignal?: AbortSignal;
}

export interface RaftServiceSettings {
  /** The path before `/vote`, `/append` ..., seen from the root of the server. Default `/raft`. */
  readonly prefix: string;
  /** The largest body and frame taken. Default 32 MiB. */
  readonly maxBodyBytes: number;
  /** How long nothing may arrive of a body, and how long one may stay slower than 16 KiB/s. Default 10 000. */
  readonly bodyTimeoutMs: number;
  /** How long a posted message waits for the node's answer; a later one goes with the next request. Default 100. */
  readonly replyHoldMs: number;
  /** How long an unfinished snapshot is kept open for its next piece. Default 60 000. */
  readonly snapshotIdleTimeoutMs: number;
  /** How much of a snapshot may be under way unacknowledged. Default 1 MiB. */
  readonly snapshotWindowBytes: number;
  /** How many bytes of answers may wait for one peer; beyond it answers are dropped. Default 32 MiB. */
  readonly maxQueueBytes: number;
  /** How many requests of one peer may be unanswered; beyond it they fail with `BUSY`. Default 4096. */
  readonly maxPendingRequests: number;
  /** How many streams may be open; beyond it upgrades are refused. Default 1024. */
  readonly maxStreams: number;
}

/** All optional; given ones are checked together. */
export type RaftServiceOptions = { readonly [field in keyof RaftServiceSettings]?: RaftServiceSettings[field] } & {
  /** The credentials that are accepted; see `AuthToken` for rotation. Without it everybody is let in. */
  readonly authToken?: AuthToken;
  /** Hears of what was refused, at a limited rate. */
  readonly logger?: Logger;
  readonly observer?: Observer;
} & Partial<Pick<SystemPorts, 'clock' | 'timers'>>;

export interface RaftServiceConfig extends RaftServiceSettings, Pick<SystemPorts, 'clock' | 'timers'> {
  readonly authToken: AuthToken | undefined;
  readonly logger: Logger | null;
  readonly observer: Observer | null;
}

export const DEFAULT_RAFT_SERVICE: RaftServiceSettings = Object.freeze({
  prefix: DEFAULT_PREFIX,
  maxBodyBytes: DEFAULT_MAX_BODY_BYTES,
  bodyTimeoutMs: 10_000,
  replyHoldMs: 100,
  snapshotIdleTimeoutMs: 60_000,
  snapshotWindowBytes: 1024 * 1024,
  maxQueueBytes: DEFAULT_MAX_QUEUE_BYTES,
  maxPendingRequests: 4096,
  maxStreams: 1024,
});

const CHECKS: { readonly [field in keyof RaftServiceSettings]: OptionCheck } = {
  prefix: urlPrefix,
  maxBodyBytes: atLeast(1024),
  bodyTimeoutMs: positiveMs,
  replyHoldMs: positiveMs,
  snapshotIdleTimeoutMs: positiveMs,
  snapshotWindowBytes: positiveInteger,
  maxQueueBytes: atLeast(1024),
  maxPendingRequests: positiveInteger,
  maxStreams: positiveInteger,
};

/** @throws ConfigError naming every field that is wrong */
export function resolveServiceOptions(options: RaftServiceOptions): RaftServiceConfig {
  const settings = withDefaults(DEFAULT_RAFT_SERVICE, options);
  requireNoProblems([...findProblems(settings, CHECKS), ...tokenProblems(options.authToken)]);
  return {
    ...settings,
    clock: options.clock ?? SYSTEM_PORTS.clock,
    timers: options.timers ?? SYSTEM_PORTS.timers,
    authToken: options.authToken,
    logger: options.logger ?? null,
    observer: options.observer ?? null,
  };
}
