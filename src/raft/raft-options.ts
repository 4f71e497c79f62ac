/** What a node is made of, and the start of its runtime. */

import { msgpackCodec } from '../codec/msgpack-codec.ts';
import type { NodeId } from '../core/ids.ts';
import { isNodeId } from '../core/ids.ts';
import type { ConfigProblem } from '../errors.ts';
import { ConfigError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Codec } from '../ports/codec.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Logger } from '../ports/logger.ts';
import type { Network } from '../ports/network.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { ConsensusConfig } from '../runtime/config.ts';
import { resolveConfig } from '../runtime/config.ts';
import { Runtime } from '../runtime/runtime.ts';
import { systemClock, systemRandom, systemTimers } from '../system/system-ports.ts';
import { addressProblem } from './node-info.ts';

export interface RaftOptions<Request, Response> {
  /** A positive safe integer that no other node of the cluster has, the same at every start. */
  readonly nodeId: NodeId;
  /** `host:port` under which the peers reach this node. */
  readonly address: string;
  readonly config?: Partial<ConsensusConfig> | undefined;
  readonly logStore: LogStore;
  readonly stateMachine: StateMachine<Request, Response>;
  readonly snapshotStore: SnapshotStore;
  readonly network: Network;
  /** How requests and responses become bytes. Default `msgpackCodec()`. */
  readonly codec?: Codec<Request, Response> | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** Receives measurements. Default: none. */
  readonly observer?: Observer | undefined;
  /** Default: the real ones. Simulators bring their own. */
  readonly clock?: Clock | undefined;
  readonly timers?: Timers | undefined;
  readonly random?: Random | undefined;
}

const nothing = (): void => undefined;
const SILENT_LOGGER: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });
const NO_OBSERVER: Observer = Object.freeze({ count: nothing, record: nothing });

/**
 * Checks everything, then opens the stores and starts the node.
 * @throws ConfigError listing every problem of id, address and configuration
 * @throws CorruptionError, IdentityError, StorageError from the stores; what was opened is closed again
 */
export async function startRuntime<Request, Response>(options: RaftOptions<Request, Response>): Promise<Runtime> {
  const { nodeId, address, logStore, snapshotStore, network } = options;
  const config = checkOptions(options);
  return await Runtime.start({
    nodeId,
    address,
    config,
    logStore,
    snapshotStore,
    network,
    // The runtime only passes requests and responses on, between codec and state machine, which agree on their types.
    stateMachine: options.stateMachine as StateMachine<unknown, unknown>,
    codec: (options.codec ?? msgpackCodec<Request, Response>()) as Codec<unknown, unknown>,
    logger: options.logger ?? SILENT_LOGGER,
    observer: options.observer ?? NO_OBSERVER,
    clock: options.clock ?? systemClock,
    timers: options.timers ?? systemTimers,
    random: options.random ?? systemRandom,
  });
}

function checkOptions<Request, Response>({ nodeId, address, config }: RaftOptions<Request, Response>): ConsensusConfig {
  const problems: ConfigProblem[] = [];
  if (!isNodeId(nodeId)) {
    problems.push({ field: 'nodeId', value: nodeId, rule: 'must be a positive safe integer' });
  }
  const rule = addressProblem(address);
  if (rule !== null) problems.push({ field: 'address', value: address, rule });
  try {
    const resolved = resolveConfig(config);
    if (problems.length === 0) return resolved;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  throw new ConfigError(problems);
}
