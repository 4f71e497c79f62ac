/** Options of the HTTP network: defaults, meaning, and one check of all of them. */
import type { ConnectionOptions } from 'node:tls';
import type { ConfigProblem } from '../../errors.ts';
import type { NetworkSettings } from '../../ports/network.ts';
import type { AuthToken } from './bearer-token.ts';
import { tokenProblems } from './bearer-token.ts';
import type { OptionCheck } from './check-options.ts';
import {
  atLeast,
  findProblems,
  oneOf,
  positiveInteger,
  positiveMs,
  requireNoProblems,
  urlPrefix,
  withDefaults,
} from './check-options.ts';
import type { SystemPorts } from './system-ports.ts';
import { SYSTEM_PORTS } from './system-ports.ts';
import { DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_QUEUE_BYTES, DEFAULT_PREFIX } from './wire.ts';

export interface HttpNetworkSettings {
  /** The path before `/vote`, `/append` ...; the same as in `raftService`. Default `/raft`. */
  readonly prefix: string;
  /** `stream` (default): one upgraded connection per peer, POST where that is not possible. `post`: never a stream. */
  readonly transport: 'stream' | 'post';
  /** How snapshots travel without a stream: piece by piece (default), or as one streamed request. */
  readonly postSnapshots: 'chunked' | 'full';
  /** From the look-up of the name until the peer said who it is. Default 2000. */
  readonly connectTimeoutMs: number;
  /** How long a peer may be silent although it was asked something. Default: that of the node's configuration. */
  readonly rpcTimeoutMs: number;
  /** How long a snapshot may make no progress at all. Default: that of the node's configuration. */
  readonly snapshotTimeoutMs: number;
  /** The pause after the first failure; it doubles up to `backoffMaxMs`, and half of it is random. Default 50. */
  readonly backoffMinMs: number;
  /** Default 1000; more than an election timeout makes a peer that comes back cause elections. */
  readonly backoffMaxMs: number;
  /** The pause after a refusal (401, 409, 426), which only a person can end. Default 30 000. */
  readonly refusedRetryMs: number;
  /** How often a peer that could only be posted to is asked for a stream again. Default 60 000. */
  readonly streamRetryMs: number;
  /** The largest frame or body sent or taken. Default 32 MiB; more than `maxRequestBytes` and `maxPayloadBytes`. */
  readonly maxFrameBytes: number;
  /** How much may wait for one peer; beyond it `send` declines. Default 32 MiB. */
  readonly maxQueueBytes: number;
  /** How many requests to one peer may be unanswered; beyond it they fail with `BUSY`. Default 4096. */
  readonly maxPendingRequests: number;
  /** How much of a snapshot may be under way unacknowledged. Default 1 MiB. */
  readonly snapshotWindowBytes: number;
  /** The largest piece of a snapshot; a heartbeat may have to wait behind one. Default: as the node's configuration. */
  readonly snapshotChunkBytes: number;
}

/** All optional; given ones are checked together. */
export type HttpNetworkOptions = { readonly [field in keyof HttpNetworkSettings]?: HttpNetworkSettings[field] } & {
  /** The credential shown to peers; see `AuthToken` for rotation. */
  readonly authToken?: AuthToken;
  /**
   * Present (even empty) = TLS. Passed to `tls.connect` as it is: `ca`, `cert` and `key` (mutual TLS), `servername`, ...
   * A function is called for each new connection, so that certificates can change while the node runs.
   */
  readonly tls?: ConnectionOptions | (() => ConnectionOptions);
} & Partial<SystemPorts>;

/** What the parts of the network work with. */
export interface HttpNetworkConfig extends HttpNetworkSettings, SystemPorts {
  readonly authToken: AuthToken | undefined;
  readonly tls: (() => ConnectionOptions) | null;
}

export const DEFAULT_HTTP_NETWORK: HttpNetworkSettings = Object.freeze({
  prefix: DEFAULT_PREFIX,
  transport: 'stream',
  postSnapshots: 'chunked',
  connectTimeoutMs: 2000,
  rpcTimeoutMs: 5000,
  snapshotTimeoutMs: 60_000,
  backoffMinMs: 50,
  backoffMaxMs: 1000,
  refusedRetryMs: 30_000,
  streamRetryMs: 60_000,
  maxFrameBytes: DEFAULT_MAX_BODY_BYTES,
  maxQueueBytes: DEFAULT_MAX_QUEUE_BYTES,
  maxPendingRequests: 4096,
  snapshotWindowBytes: 1024 * 1024,
  snapshotChunkBytes: 256 * 1024,
});

const CHECKS: { readonly [field in keyof HttpNetworkSettings]: OptionCheck } = {
  prefix: urlPrefix,
  transport: oneOf('stream', 'post'),
  postSnapshots: oneOf('chunked', 'full'),
  connectTimeoutMs: positiveMs,
  rpcTimeoutMs: positiveMs,
  snapshotTimeoutMs: positiveMs,
  backoffMinMs: positiveMs,
  backoffMaxMs: positiveMs,
  refusedRetryMs: positiveMs,
  streamRetryMs: positiveMs,
  maxFrameBytes: atLeast(1024),
  maxQueueBytes: atLeast(1024),
  maxPendingRequests: positiveInteger,
  snapshotWindowBytes: positiveInteger,
  snapshotChunkBytes: positiveInteger,
};

/** What a frame carries besides a piece of a snapshot. */
const FRAME_OVERHEAD_BYTES = 64;

/**
 * `node` is what the node's configuration says: it goes before the defaults, and behind the options.
 * @throws ConfigError naming every field that is wrong
 */
export function resolveNetworkOptions(
  options: HttpNetworkOptions,
  node: Partial<NetworkSettings> = {},
): HttpNetworkConfig {
  const { rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes } = node;
  const defaults = withDefaults(DEFAULT_HTTP_NETWORK, { rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes });
  const settings = withDefaults(defaults, options);
  const problems = [...findProblems(settings, CHECKS), ...tokenProblems(options.authToken)];
  requireNoProblems(problems.length > 0 ? problems : crossProblems(settings));
  const { tls } = options;
  return {
    ...withDefaults(SYSTEM_PORTS, options),
    ...settings,
    authToken: options.authToken,
    tls: tls === undefined ? null : typeof tls === 'function' ? tls : () => tls,
  };
}

function crossProblems(settings: HttpNetworkSettings): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (settings.backoffMaxMs < settings.backoffMinMs) {
    problems.push({ field: 'backoffMaxMs', value: settings.backoffMaxMs, rule: 'must not be less than backoffMinMs' });
  }
  if (settings.snapshotChunkBytes + FRAME_OVERHEAD_BYTES > settings.maxFrameBytes) {
    problems.push({
      field: 'snapshotChunkBytes',
      value: settings.snapshotChunkBytes,
      rule: `must be at least ${FRAME_OVERHEAD_BYTES} less than maxFrameBytes (${settings.maxFrameBytes})`,
    });
  }
  return problems;
}
