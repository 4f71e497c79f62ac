/** Builds a state from the bytes of a snapshot, aside: nothing that exists is changed. */
import type { LogId } from '../../core/ids.ts';
import { isSameLogId, logId } from '../../core/ids.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { ConsensusError, SnapshotError } from '../../errors.ts';
import type { SnapshotHeader } from './mem-state-snapshot.ts';
import { decodeSnapshot } from './snapshot-frames.ts';
import type { DefaultStateKind } from './state-format.ts';
import { buildState } from './state-format.ts';

/** How values become a state: as for one of the known kinds, or in the application's own way. */
export type StateBuilder =
  | { readonly kind: DefaultStateKind }
  | { readonly kind: 'custom'; readonly restore: (parts: AsyncIterable<unknown>) => unknown };

/** @throws SnapshotError when the bytes are damaged, incomplete, of another kind of state or of another snapshot */
export async function restoreState(
  builder: StateBuilder,
  meta: SnapshotMeta,
  chunks: AsyncIterable<Uint8Array>,
): Promise<unknown> {
  const reader = new GroupReader(chunks, (header) => checkHeader(header, builder.kind, meta.lastLogId));
  try {
    const state = await (builder.kind === 'custom'
      ? builder.restore(reader.values())
      : buildState(builder.kind, reader.groups()));
    reader.checkComplete();
    return state;
  } catch (error) {
    throw ConsensusError.is(error) ? error : new SnapshotError('the snapshot could not be restored', error);
  }
}

/** Reads the values and remembers whether all of them were read, also when who reads them does not care. */
class GroupReader {
  readonly #chunks: AsyncIterable<Uint8Array>;
  readonly #onHeader: (header: unknown) => void;
  #isComplete = false;

  constructor(chunks: AsyncIterable<Uint8Array>, onHeader: (header: unknown) => void) {
    this.#chunks = chunks;
    this.#onHeader = onHeader;
  }

  async *groups(): AsyncGenerator<readonly unknown[], void> {
    let isHeader = true;
    for await (const frame of decodeSnapshot(this.#chunks)) {
      if (isHeader) {
        this.#onHeader(frame);
        isHeader = false;
      } else if (Array.isArray(frame)) {
        yield frame;
      } else {
        throw new SnapshotError('the snapshot is damaged: a part of it is no list of values');
      }
    }
    this.#isComplete = true;
  }

  async *values(): AsyncGenerator<unknown, void> {
    for await (const group of this.groups()) {
      yield* group;
    }
  }

  checkComplete(): void {
    if (!this.#isComplete) {
      throw new SnapshotError('the snapshot was not read to its end');
    }
  }
}

function checkHeader(header: unknown, kind: string, lastLogId: LogId): void {
  if (!isHeader(header)) {
    throw new SnapshotError('the snapshot is damaged: it does not start with a header');
  }
  if (header.kind !== kind) {
    throw new SnapshotError(`the snapshot holds a state of kind '${header.kind}', this node has one of kind '${kind}'`);
  }
  const { lastTerm, lastIndex } = header;
  if (!isSameLogId(logId(lastTerm, lastIndex), lastLogId)) {
    const { term, index } = lastLogId;
    throw new SnapshotError(`the bytes are those of a snapshot at ${lastTerm}:${lastIndex}, not at ${term}:${index}`);
  }
}

function isHeader(value: unknown): value is SnapshotHeader {
  return typeof value === 'object' && value !== null && 'kind' in value && 'lastTerm' in value && 'lastIndex' in value;
}
