/** Gives a snapshot another membership. */
import { encodeAppliedState } from '../../../codec/applied-state-bytes.ts';
import type { SnapshotMeta } from '../../../core/message.ts';
import { decodeFrames, encodeFrame, LMDB_STATE_CODEC_ID } from '../state/snapshot-format.ts';

/**
 * The bytes of a snapshot, as they belong to a description that differs in its membership. What is in the bytes is the
 * business of the state machine; of those in this package, that on disk repeats the membership there.
 */
export async function* ownSnapshot(
  meta: SnapshotMeta,
  codecId: string,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  if (codecId !== LMDB_STATE_CODEC_ID) {
    yield* pieces;
    return;
  }
  const { lastLogId: lastApplied, lastTimeMs, membership } = meta;
  const applied = encodeAppliedState({ lastApplied, lastTimeMs, membership });
  for await (const frame of decodeFrames(pieces))
    yield encodeFrame(frame.type === 'header' ? { ...frame, applied } : frame);
}
