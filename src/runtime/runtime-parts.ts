/** What a node is made of: the ports, and what it is configured to do with them. */
import type { NodeId } from '../core/ids.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Codec } from '../ports/codec.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Logger } from '../ports/logger.ts';
import type { Network } from '../ports/network.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { ConsensusConfig } from './config.ts';

export interface RuntimeParts {
  readonly nodeId: NodeId;
  /** `host:port` under which the peers reach this node. */
  readonly address: string;
  readonly config: ConsensusConfig;
  readonly logStore: LogStore;
  readonly snapshotStore: SnapshotStore;
  readonly stateMachine: StateMachine<unknown, unknown>;
  readonly codec: Codec<unknown, unknown>;
  readonly network: Network;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: Observer;
}
