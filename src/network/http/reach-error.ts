/** Why a peer can't be reached, in words that name the cure. */
import { ConsensusError, UnreachableError } from '../../errors.ts';

/** Reason and cure by the code of the system's error. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; is the node running, and does it listen on this port?',
  ECONNRESET: 'the connection was reset; the process may have ended, or something between the nodes closed it',
  EPIPE: 'the connection was closed by the other side',
  ENOTFOUND: 'the host name is unknown; check the address and the DNS server',
  EAI_AGAIN: 'the DNS server did not answer; check it, or use an IP address',
  ETIMEDOUT: 'the connection timed out; check firewalls and routes',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EADDRNOTAVAIL: 'no local port or address is available',
  EMFILE: 'this process has too many open files; raise the limit',
  HPE_INVALID_CONSTANT: 'the answer is not HTTP; is it another service, or does it want TLS?',
  EPROTO: 'the TLS handshake failed; does the other side speak TLS on this port?',
};

const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** @returns `error` itself when it is one of the library's already */
export function toUnreachable(addr: string, error: unknown): ConsensusError {
  if (ConsensusError.is(error)) {
    return error;
  }
  const code = codeOf(error);
  return new UnreachableError(addr, reasonOf(code, error), error);
}

function reasonOf(code: string, error: unknown): string {
  const known = REASONS[code];
  if (known !== undefined) {
    return `${known} (${code})`;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (TLS_CODE.test(code)) {
    return `TLS refused the peer: ${message}; check certificate, ca and servername (${code})`;
  }
  return code === '' ? message : `${message} (${code})`;
}

/** The code of a system error; of the first of several, when all addresses of a host failed. */
export function codeOf(error: unknown): string {
  const { code, errors } = (error ?? {}) as { readonly code?: unknown; readonly errors?: readonly unknown[] };
  if (typeof code === 'string') {
    return code;
  }
  return errors?.[0] === undefined ? '' : codeOf(errors[0]);
}
