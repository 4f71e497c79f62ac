/** Puts a node together. */
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
import { Raft } from '../raft/raft.ts';
import { startRuntime } from '../raft/raft-options.ts';
import type { ConsensusConfig } from '../runtime/config.ts';
import { MemSnapshotStore } from '../storage/memory/mem-snapshot-store.ts';
import { ConsensusNode } from './consensus-node.ts';

/** The machine, as a node sees it; what is left out is the real one. */
export interface NodePorts {
  readonly clock?: Clock | undefined;
  readonly timers?: Timers | undefined;
  readonly random?: Random | undefined;
}

interface Parts<Request, Response> extends NodePorts {
  readonly config?: Partial<ConsensusConfig>;
  readonly codec?: Codec<Request, Response>;
  readonly logger?: Logger;
  readonly observer?: Observer;
  readonly snapshotStore?: SnapshotStore;
}

/**
 * Each `with...` may be called once or not at all, in any order; nothing is checked or opened before `buildWith`.
 *
 * ```ts
 * const node = await new ConsensusNodeBuilder<Request, Response>(1, '127.0.0.1:9000')
 *   .withConfig({ clusterName: 'demo' })
 *   .buildWith(new MemLogStore(), stateMachine, new HttpNetwork());
 * ```
 */
export class ConsensusNodeBuilder<Request, Response> {
  readonly #nodeId: NodeId;
  readonly #address: string;
  #parts: Parts<Request, Response> = {};

  /**
   * `nodeId`: a positive safe integer that no other node has, the same at every start.
   * `address`: `host:port` under which the peers reach this node.
   */
  constructor(nodeId: NodeId, address: string) {
    this.#nodeId = nodeId;
    this.#address = address;
  }

  /** Fields that differ from `DEFAULT_CONFIG`. A further call adds to the one before. */
  withConfig(config: Partial<ConsensusConfig>): this {
    return this.#with({ config: { ...this.#parts.config, ...config } });
  }

  /** How requests and responses become bytes. Default: `msgpackCodec()`. All nodes must use the same. */
  withCodec(codec: Codec<Request, Response>): this {
    return this.#with({ codec });
  }

  /** Default: silent. */
  withLogger(logger: Logger): this {
    return this.#with({ logger });
  }

  /** Default: snapshots are kept in memory. A durable log needs a durable snapshot store: it is cut at snapshots. */
  withSnapshotStore(snapshotStore: SnapshotStore): this {
    return this.#with({ snapshotStore });
  }

  /** Receives measurements. Default: none. */
  withObserver(observer: Observer): this {
    return this.#with({ observer });
  }

  /** Clock, timers and randomness of one's own, for simulations. */
  withPorts(ports: NodePorts): this {
    return this.#with(ports);
  }

  /**
   * Checks everything, opens the stores and starts the node. The node closes log store, state machine, snapshot store and
   * network when it stops, or when it can't be started.
   * @throws ConfigError listing every problem of id, address and configuration
   * @throws CorruptionError, IdentityError, StorageError
   */
  async buildWith(
    logStore: LogStore,
    stateMachine: StateMachine<Request, Response>,
    network: Network,
  ): Promise<ConsensusNode<Request, Response>> {
    const runtime = await startRuntime<Request, Response>({
      ...this.#parts,
      nodeId: this.#nodeId,
      address: this.#address,
      logStore,
      stateMachine,
      network,
      snapshotStore: this.#parts.snapshotStore ?? new MemSnapshotStore(),
    });
    return new ConsensusNode(new Raft<Request, Response>(runtime), runtime);
  }

  #with(parts: Parts<Request, Response>): this {
    this.#parts = { ...this.#parts, ...parts };
    return this;
  }
}
