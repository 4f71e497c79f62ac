/** What a log store holds, as the sum of what was written to it. */
import type { Entry } from '../../../core/entry.ts';
import type { HardState } from '../../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../../core/hard-state.ts';
import type { LogId, LogIndex } from '../../../core/ids.ts';
import { isSameLogId, NO_LOG_ID } from '../../../core/ids.ts';
import type { LogStoreState } from '../../../ports/log-store.ts';

export type LogWrite =
  | { readonly type: 'append'; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly fromIndex: LogIndex }
  | { readonly type: 'purge'; readonly upTo: LogId }
  | { readonly type: 'hard-state'; readonly hardState: HardState };

export class LogImage {
  #hardState: HardState = INITIAL_HARD_STATE;
  #purged: LogId = NO_LOG_ID;
  readonly #entries: Entry[] = [];

  static of(parts: {
    readonly hardState: HardState;
    readonly purged: LogId;
    readonly entries: readonly Entry[];
  }): LogImage {
    const image = new LogImage();
    image.#hardState = parts.hardState;
    image.#purged = parts.purged;
    image.#entries.push(...parts.entries);
    return image;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get purged(): LogId {
    return this.#purged;
  }

  /** From `purged.index + 1` on. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get lastLogId(): LogId {
    return this.#entries.at(-1)?.logId ?? this.#purged;
  }

  at(index: LogIndex): Entry | undefined {
    return this.#entries[index - this.#purged.index - 1];
  }

  /** Is the entry of this LogId here, or was it once and is covered by a snapshot now? */
  covers({ term, index }: LogId): boolean {
    return index <= this.#purged.index || this.at(index)?.logId.term === term;
  }

  apply(write: LogWrite): void {
    switch (write.type) {
      case 'append':
        this.#entries.push(...write.entries);
        break;
      case 'truncate':
        this.#entries.length = Math.min(this.#entries.length, Math.max(0, write.fromIndex - this.#purged.index - 1));
        break;
      case 'purge':
        if (write.upTo.index <= this.#purged.index) break;
        this.#entries.splice(0, write.upTo.index - this.#purged.index);
        this.#purged = write.upTo;
        break;
      case 'hard-state':
        this.#hardState = write.hardState;
        break;
    }
  }

  copy(): LogImage {
    return LogImage.of({ hardState: this.#hardState, purged: this.#purged, entries: this.#entries });
  }

  /** The same term and vote, and the same LogIds. */
  equals(other: LogImage): boolean {
    return (
      this.#hardState.term === other.#hardState.term &&
      this.#hardState.votedFor === other.#hardState.votedFor &&
      isSameLogId(this.#purged, other.#purged) &&
      this.#entries.length === other.#entries.length &&
      this.#entries.every(({ logId }, position) => logId.term === other.#entries[position]?.logId.term)
    );
  }

  /** The same term and vote, and the same first and last position. */
  endsAs({ hardState, lastPurged, lastLogId }: Pick<LogStoreState, 'hardState' | 'lastPurged' | 'lastLogId'>): boolean {
    return (
      this.#hardState.term === hardState.term &&
      this.#hardState.votedFor === hardState.votedFor &&
      isSameLogId(this.#purged, lastPurged) &&
      isSameLogId(this.lastLogId, lastLogId)
    );
  }

  describe(): string {
    const { term, votedFor } = this.#hardState;
    const last = this.lastLogId;
    return `term ${term} vote ${String(votedFor)} log ${this.#purged.term}:${this.#purged.index}-${last.term}:${last.index}`;
  }
}
