/** Building, sending and receiving snapshots, together. */
import type { InstallSnapshotEffect } from '../core/effect.ts';
import type { LogId, LogIndex, NodeId } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import type { PeerConnection } from '../ports/network.ts';
import type { Applier } from './applier.ts';
import type { Events } from './events.ts';
import { failStop } from './fail-stop-snapshots.ts';
import type { LogCache } from './log-cache.ts';
import type { Replies } from './replies.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { SnapshotBuilder } from './snapshot-builder.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';

export interface SnapshotsParts {
  readonly runtime: RuntimeParts;
  readonly events: Events;
  readonly cache: LogCache;
  readonly applier: Applier;
  readonly replies: Replies;
  readonly connection: (peer: NodeId) => PeerConnection | null;
  readonly post: (input: Input) => void;
  readonly whenDurable: (index: LogIndex) => Promise<void>;
  readonly purgedIndex: () => LogIndex;
  readonly fail: (error: unknown) => void;
}

export class Snapshots {
  readonly builder: SnapshotBuilder;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  readonly #parts: SnapshotsParts;

  constructor(parts: SnapshotsParts, last: LogId) {
    const { runtime, post } = parts;
    this.#parts = parts;
    const snapshotStore = failStop(runtime.snapshotStore, parts.fail);
    this.builder = new SnapshotBuilder(
      {
        ...runtime,
        snapshotStore,
        whenDurable: parts.whenDurable,
        logsSinceLast: runtime.config.snapshotLogsSinceLast,
        mayWrite: () => this.receiver.tryYield(),
        onBuilt: ({ meta, sizeBytes }) => {
          post({ type: 'snapshot-built', meta });
          parts.events.emit({ type: 'snapshot-built', lastLogId: meta.lastLogId, sizeBytes });
        },
        onFailed: (error) => this.#onFailed(null, error),
      },
      last,
    );
    this.sender = new SnapshotSender({
      ...runtime,
      timeoutMs: runtime.config.snapshotTimeoutMs,
      chunkBytes: runtime.config.snapshotChunkBytes,
      connection: parts.connection,
      rebuild: () => this.builder.rebuild(),
      purgedIndex: parts.purgedIndex,
      post,
      onFailed: (peer, error) => this.#onFailed(peer, error),
    });
    this.receiver = new SnapshotReceiver({
      ...runtime,
      ...parts,
      snapshotStore,
      onInstalled: (effect, from) => this.#onInstalled(effect, from),
    });
  }

  async stop(): Promise<void> {
    this.sender.abortAll('the node stops');
    await this.builder.stop();
  }

  #onInstalled({ meta }: InstallSnapshotEffect, from: NodeId): void {
    this.builder.onInstalled(meta.lastLogId.index);
    this.#parts.events.emit({ type: 'snapshot-installed', lastLogId: meta.lastLogId, from });
  }

  /** The log is still there: a node goes on without a snapshot, but somebody should know. */
  #onFailed(peer: NodeId | null, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const { runtime, events } = this.#parts;
    runtime.logger.warn({ nodeId: runtime.nodeId, peer, error }, 'a snapshot could not be built or sent');
    events.emit({ type: 'snapshot-failed', peer, error });
  }
}
