/** What a client may conclude from an error. */
import { ConsensusError } from '../../../errors.ts';
import type { CallOutcome } from '../observation/client-call.ts';

export interface Failure {
  readonly outcome: Exclude<CallOutcome, 'ok'>;
  readonly error: string;
  /** Not an error that a client should ever see. */
  readonly isUnexpected: boolean;
}

/** `abortReason`: what the client itself ended the call with, if it did. */
export function failureOf(error: unknown, abortReason: unknown): Failure {
  if (abortReason !== undefined && error === abortReason) {
    return { outcome: 'failed', error: 'ABORTED', isUnexpected: false };
  }
  if (!ConsensusError.is(error)) {
    const name = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { outcome: 'unknown', error: name, isUnexpected: true };
  }
  const outcome = error.code === 'INDETERMINATE' ? 'unknown' : 'failed';
  return { outcome, error: error.code, isUnexpected: false };
}
