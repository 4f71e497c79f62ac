/** How far a state machine on disk is, as bytes: stored beside its rows, and at the start of its snapshots. */
import type { AppliedState } from '../ports/state-machine.ts';
import type { MakeError } from './make-error.ts';
import { readStoredMembership, writeStoredMembership } from './membership-bytes.ts';
import { beginSealed, openSealed, seal } from './sealed-bytes.ts';

/** Equal states have equal bytes, on every node. The bytes belong to the caller. */
export function encodeAppliedState({ lastApplied, lastTimeMs, membership }: AppliedState): Uint8Array {
  const writer = beginSealed('applied state');
  writer.logId(lastApplied);
  writer.counter(lastTimeMs);
  writeStoredMembership(writer, membership);
  return seal(writer);
}

/** Throws what `makeError` makes for anything but a whole, undamaged record. */
export function decodeAppliedState(bytes: Uint8Array, makeError: MakeError): AppliedState {
  const reader = openSealed('applied state', bytes, makeError);
  const applied: AppliedState = {
    lastApplied: reader.logId(),
    lastTimeMs: reader.counter(),
    membership: readStoredMembership(reader),
  };
  reader.end();
  return applied;
}
