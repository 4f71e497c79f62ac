/** Builds a state from the frames of a snapshot, aside: nothing that exists is changed. */
import type { LogId } from '../../core/ids.ts';
import { isSameLogId, logId } from '../../core/ids.ts';
import type { SnapshotMeta } from '../../core/message.ts';
import { ConsensusError, SnapshotError } from '../../errors.ts';
import type { SnapshotHeader } from './mem-state-snapshot.ts';
import type { CloseMark, OpenMark } from './snapshot-frames.ts';
import type { ContainerBuilder } from './state-containers.ts';
import { containerBuilder, isContainerType } from './state-containers.ts';
import type { DefaultStateKind } from './state-format.ts';
import { buildState } from './state-format.ts';

/** How members become a state: as for one of the known kinds, or in the application's own way. */
export type StateBuilder =
  | { readonly kind: DefaultStateKind }
  | { readonly kind: 'custom'; readonly restore: (parts: AsyncIterable<unknown>) => unknown };

/** @throws SnapshotError when the frames are damaged, incomplete, of another kind of state or of another snapshot */
export async function restoreState(
  builder: StateBuilder,
  meta: SnapshotMeta,
  frames: AsyncIterable<unknown>,
): Promise<unknown> {
  const reader = new GroupReader(frames, (header) => checkHeader(header, builder.kind, meta.lastLogId));
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

/** Reads the members and remembers whether all of them were read, also when who reads them does not care. */
class GroupReader {
  readonly #frames: AsyncIterable<unknown>;
  readonly #onHeader: (header: unknown) => void;
  /** The containers whose members come in frames of their own, the innermost last. */
  readonly #open: OpenContainer[] = [];
  #isComplete = false;

  constructor(frames: AsyncIterable<unknown>, onHeader: (header: unknown) => void) {
    this.#frames = frames;
    this.#onHeader = onHeader;
  }

  async *groups(): AsyncGenerator<readonly unknown[], void> {
    let isHeader = true;
    for await (const frame of this.#frames) {
      if (isHeader) {
        this.#onHeader(frame);
        isHeader = false;
      } else {
        const group = this.#take(frame);
        if (group !== null) {
          yield group;
        }
      }
    }
    if (this.#open.length > 0) {
      throw new SnapshotError('the snapshot is damaged: a container in it has no end');
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

  /** The members of the state that are complete with this frame; `null` when there are none. */
  #take(frame: unknown): readonly unknown[] | null {
    if (Array.isArray(frame)) {
      return this.#addAll(frame);
    }
    if (!isMark(frame)) {
      throw new SnapshotError('the snapshot is damaged: a part of it is no list of values');
    }
    if (frame.open !== null) {
      this.#open.push({ builder: containerBuilder(frame.open), key: frame.key });
      return null;
    }
    const closed = this.#open.pop();
    if (closed === undefined) {
      throw new SnapshotError('the snapshot is damaged: a container in it ends that did not begin');
    }
    const { builder, key } = closed;
    return this.#addAll([key === null ? builder.container : [key[0], builder.container]]);
  }

  /** To the innermost container; the group itself when nothing but the state is open. */
  #addAll(group: readonly unknown[]): readonly unknown[] | null {
    const innermost = this.#open.at(-1);
    if (innermost === undefined) {
      return group;
    }
    for (const member of group) {
      innermost.builder.add(member);
    }
    return null;
  }
}

interface OpenContainer {
  readonly builder: ContainerBuilder;
  readonly key: OpenMark['key'];
}

function isMark(frame: unknown): frame is OpenMark | CloseMark {
  if (typeof frame !== 'object' || frame === null || !('open' in frame)) {
    return false;
  }
  const isKey = 'key' in frame && (frame.key === null || (Array.isArray(frame.key) && frame.key.length === 1));
  return frame.open === null || (isContainerType(frame.open) && isKey);
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
