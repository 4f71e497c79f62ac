/** JSON over HTTP: reading bodies, writing answers, and turning errors into status codes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConsensusError } from 'zlayer-consensus';

const MAX_BODY_BYTES = 1024 * 1024;

/** What the service answers: a status and a JSON body. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The request itself is wrong; the message goes to the client. */
export class BadRequest extends Error {}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new BadRequest(`the body has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadRequest('the body must be JSON, e.g. "text" or 42');
  }
}

export function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Which status says what: 503 = try again, 504 = the outcome is unknown, 4xx = don't repeat it unchanged. */
const STATUS: Readonly<Record<string, number>> = {
  NOT_LEADER: 503,
  BUSY: 503,
  UNREACHABLE: 503,
  QUORUM_NOT_ENOUGH: 503,
  TIMEOUT: 503,
  STOPPED: 503,
  FATAL: 503,
  TRANSFER: 503,
  INDETERMINATE: 504,
  PAYLOAD_TOO_LARGE: 413,
  SERIALIZATION: 400,
  MEMBERSHIP: 409,
  CHANGE_IN_PROGRESS: 409,
  ALREADY_INITIALIZED: 409,
  PEER_REFUSED: 409,
};

/** What a wrong path, query or body ends in. */
const ILL_FORMED = [BadRequest, TypeError, RangeError, URIError];

export function errorAnswer(error: unknown): Answer {
  if (ILL_FORMED.some((type) => error instanceof type)) {
    return { status: 400, body: { code: 'BAD_REQUEST', message: String(error) } };
  }
  if (!ConsensusError.is(error)) {
    return { status: 500, body: { code: 'INTERNAL', message: String(error) } };
  }
  const { code, message, retry } = error;
  return { status: STATUS[code] ?? 500, body: { code, message, retry } };
}
