/** Takes a leader's snapshot: to a temporary first, then in the place of state and log. */
import type { InstallSnapshotEffect, SnapshotVerdict } from '../core/effect.ts';
import type { NodeId } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import type { Message } from '../core/message.ts';
import { SnapshotError } from '../errors.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { SnapshotHeader, SnapshotReception, SnapshotSink } from '../ports/network.ts';
import type { SnapshotWriter } from '../ports/snapshot-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Applier } from './applier.ts';
import type { SnapshotSpace } from './fail-stop-snapshots.ts';
import type { LogCache } from './log-cache.ts';
import type { Replies } from './replies.ts';

export interface SnapshotReceiverParts {
  readonly stateMachine: StateMachine<unknown, unknown>;
  readonly snapshotStore: SnapshotSpace;
  readonly logStore: LogStore;
  readonly cache: LogCache;
  readonly applier: Applier;
  readonly replies: Replies;
  readonly post: (input: Input) => void;
  readonly onInstalled: (effect: InstallSnapshotEffect, from: NodeId) => void;
}

/** One stream that was accepted. */
interface Stream {
  readonly from: NodeId;
  readonly header: SnapshotHeader;
  readonly writer: SnapshotWriter;
  readonly stream: symbol;
}

interface Received {
  readonly from: NodeId;
  readonly writer: SnapshotWriter;
  readonly codecId: string;
}

export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  readonly #verdicts = new Map<number, (verdict: SnapshotVerdict) => void>();
  /** Complete and verified, waiting for the core to decide; by snapshot id. */
  readonly #received = new Map<string, Received>();
  /** The stream whose bytes the store keeps: whatever is created after it takes its place there. */
  #stream: symbol | null = null;
  #isInstalling = false;

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  /** Asks the core before the first byte: an old leader's or an old snapshot is refused. */
  async receive(from: NodeId, header: SnapshotHeader): Promise<SnapshotReception> {
    const { post, replies, snapshotStore } = this.#parts;
    const verdict = await new Promise<SnapshotVerdict>((resolve) => {
      const token = replies.register(() => undefined);
      this.#verdicts.set(token, resolve);
      post({ type: 'snapshot-offered', from, offer: header.offer, token });
    });
    if (!verdict.accept) return verdict;
    if (!this.tryYield()) throw new SnapshotError('another snapshot is being installed; retry after it');
    const stream = Symbol(header.offer.meta.id);
    this.#stream = stream;
    const writer = await snapshotStore.create(header.offer.meta, header.snapshot.codecId);
    return { accept: true, sink: this.#sink({ from, header, writer, stream }) };
  }

  /**
   * Makes room in the store for another snapshot. A stream under way is given up for it, but not one that is complete:
   * it is newer than anything this node could build, and must stay until it is in place.
   */
  tryYield(): boolean {
    if (this.#received.size > 0 || this.#isInstalling) return false;
    this.#stream = null;
    return true;
  }

  onVerdict(token: number, verdict: SnapshotVerdict): void {
    const resolve = this.#verdicts.get(token);
    this.#verdicts.delete(token);
    this.#parts.replies.take(token);
    resolve?.(verdict);
  }

  /** The core decided: from now on nothing of the old log is applied, and what it appends follows the snapshot. */
  prepare({ meta, discardLog }: InstallSnapshotEffect): void {
    const { applier, cache } = this.#parts;
    applier.hold();
    if (discardLog) cache.reset(meta.lastLogId.index);
  }

  /**
   * Carries out what the core decided. The snapshot is published before the state is replaced: after a crash in
   * between, the start finds a state behind the snapshot, and restores it again.
   */
  async install(effect: InstallSnapshotEffect): Promise<void> {
    const { meta, discardLog } = effect;
    const received = this.#received.get(meta.id);
    if (received === undefined) throw new SnapshotError(`snapshot ${meta.id} was to be installed but is not here`);
    this.#received.delete(meta.id);
    this.#isInstalling = true;
    const { stateMachine, logStore, applier, onInstalled } = this.#parts;
    await applier.whenQuiet();
    await received.writer.publish();
    await stateMachine.restore(meta, received.codecId, received.writer.chunks());
    await received.writer.close({ keep: false });
    if (discardLog) await logStore.truncate(meta.lastLogId.index + 1);
    await logStore.purge(meta.lastLogId);
    onInstalled(effect, received.from);
    this.#isInstalling = false;
    applier.resume(meta.lastLogId);
  }

  #sink(stream: Stream): SnapshotSink {
    const { writer } = stream;
    let state: 'streaming' | 'finishing' | 'aborted' = 'streaming';
    return {
      offsetBytes: writer.offsetBytes,
      write: (chunk) => writer.write(chunk),
      finish: async () => {
        // The last bytes and the end of the line may come together: what is closed can't be installed.
        if (state === 'aborted') throw new SnapshotError(`the stream of snapshot ${stream.header.offer.meta.id} broke`);
        state = 'finishing';
        return await this.#finish(stream);
      },
      // All bytes are here once it finishes: a line that breaks then takes nothing away from the installation.
      abort: async () => {
        if (state === 'finishing') return;
        state = 'aborted';
        await writer.close({ keep: true });
      },
    };
  }

  async #finish(stream: Stream): Promise<Message> {
    const { from, writer } = stream;
    const { offer, snapshot } = stream.header;
    const problem = this.#problem(stream);
    if (problem !== null) {
      await writer.close({ keep: false });
      throw new SnapshotError(`snapshot ${offer.meta.id} ${problem}`);
    }
    this.#received.set(offer.meta.id, { from, writer, codecId: snapshot.codecId });
    const answer = await new Promise<Message>((resolve) => {
      const token = this.#parts.replies.register(resolve);
      this.#parts.post({ type: 'snapshot-received', from, offer, token });
    });
    // Not wanted any more: the core answered without installing it.
    if (this.#received.delete(offer.meta.id)) await writer.close({ keep: false });
    return answer;
  }

  /** Why what arrived can't be installed; `null` when it can. */
  #problem({ writer, header: { snapshot }, stream }: Stream): string | null {
    if (this.#stream !== stream) return 'gave way to another one while it was streamed';
    if (writer.offsetBytes === snapshot.sizeBytes && writer.checksum === snapshot.checksum) return null;
    return `arrived damaged: ${writer.offsetBytes} of ${snapshot.sizeBytes} bytes, checksum ${writer.checksum} instead of ${snapshot.checksum}`;
  }
}
