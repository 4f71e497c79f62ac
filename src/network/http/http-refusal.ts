/** A request that is not served: with its status, its error, and the kind it is counted as. */
import type { PeerRefusedError } from '../../errors.ts';
import { ConsensusError } from '../../errors.ts';
import { statusOf } from './refusal.ts';
import type { RefusalKind } from './service-report.ts';

export class HttpRefusal extends Error {
  readonly kind: RefusalKind;
  readonly status: number;
  /** What the sender is told. */
  readonly error: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: RefusalKind, status: number, error: Error, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.kind = kind;
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** Anything that was thrown while a request was served. */
export function toRefusal(error: unknown): HttpRefusal {
  if (error instanceof HttpRefusal) {
    return error;
  }
  const thrown = error instanceof Error ? error : new Error(String(error));
  return new HttpRefusal(kindOf(error), statusOf(error), thrown);
}

function kindOf(error: unknown): RefusalKind {
  if (!ConsensusError.is(error)) {
    return 'failed';
  }
  switch (error.code) {
    case 'UNAUTHENTICATED':
      return 'unauthenticated';
    case 'PEER_REFUSED':
      // By field, not by class: the error may come from another copy of this package.
      return (error as PeerRefusedError).reason;
    case 'PROTOCOL':
    case 'SERIALIZATION':
      return 'malformed';
    case 'STOPPED':
    case 'FATAL':
      return 'not-ready';
    default:
      return 'failed';
  }
}
