/** Which error bad bytes become: the same decoders read what peers sent and what the disk kept. */
import type { ConsensusError } from '../errors.ts';
import { CorruptionError, ProtocolError } from '../errors.ts';

/** Makes the error for bytes that are not what they should be. */
export type MakeError = (problem: string, cause?: unknown) => ConsensusError;

/** For bytes from a peer. */
export function protocolErrorIn(what: string): MakeError {
  return (problem, cause) => new ProtocolError(`invalid ${what}: ${problem}`, cause);
}

/** For bytes from the disk. */
export function corruptionErrorIn(what: string): MakeError {
  return (problem, cause) => new CorruptionError(`damaged ${what}: ${problem}`, cause);
}
