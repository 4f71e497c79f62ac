/** A whole node over real files, with timeouts that make its tests short. */
import { join } from 'node:path';
import type { NodeId } from '../../../src/core/ids.ts';
import type { MemHub } from '../../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../src/node/consensus-node-builder.ts';
import type { FileSystem } from '../../../src/ports/file-system.ts';
import type { ConsensusConfig } from '../../../src/runtime/config.ts';
import { openDurableStorage } from '../../../src/storage/lmdb/open-durable-storage.ts';
import { FileSnapshotStore } from '../../../src/storage/snapshot-files/file-snapshot-store.ts';
import { systemFileSystem } from '../../../src/system/system-file-system.ts';
import type { LedgerKind, LedgerRequest, LedgerResponse, LedgerRow } from './ledger.ts';
import { makeLedger } from './ledger.ts';

export type LedgerNode = ConsensusNode<LedgerRequest, LedgerResponse>;

export interface DurableNode {
  readonly node: LedgerNode;
  rows(): ReadonlyMap<number, LedgerRow>;
}

export interface DurableNodeOptions {
  readonly id: NodeId;
  readonly directory: string;
  readonly kind: LedgerKind;
  readonly hub: MemHub;
  /** For snapshots. */
  readonly fileSystem?: FileSystem;
}

/** Snapshots are small and frequent, and the log is cut short behind them. */
const CONFIG: Partial<ConsensusConfig> = Object.freeze({
  clusterName: 'crash',
  heartbeatIntervalMs: 20,
  electionTimeoutMinMs: 100,
  electionTimeoutMaxMs: 150,
  snapshotLogsSinceLast: 40,
  maxInSnapshotLogToKeep: 5,
  snapshotChunkBytes: 4096,
});

export async function startDurableNode(options: DurableNodeOptions): Promise<DurableNode> {
  const { id, directory, kind, hub, fileSystem = systemFileSystem } = options;
  const storage = await openDurableStorage({ directory });
  const snapshotStore = new FileSnapshotStore({ directory: join(directory, 'snapshots'), fileSystem });
  const ledger = makeLedger(kind, storage.stateDirectory);
  const node = await new ConsensusNodeBuilder<LedgerRequest, LedgerResponse>(id, addressOf(id))
    .withConfig(CONFIG)
    .withSnapshotStore(snapshotStore)
    .buildWith(storage.logStore, ledger.stateMachine, hub.network(addressOf(id)));
  return { node, rows: () => ledger.rows() };
}

/** The only voter leads, and has applied everything that is in its log. */
export async function whenLeading(node: LedgerNode): Promise<void> {
  await node
    .wait()
    .metrics(
      ({ state, currentTerm, lastApplied }) => state === 'leader' && lastApplied.term === currentTerm,
      'the leadership',
    );
}

export function addressOf(id: NodeId): string {
  return `n${id}:1`;
}
