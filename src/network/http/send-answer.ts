/** Writes answers of the service, good and bad, to a response or to the bare socket of a refused upgrade. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { OWN_PROTOCOL } from './envelope-headers.ts';
import type { HttpRefusal } from './http-refusal.ts';
import { failureJson } from './refusal.ts';
import type { Answer } from './service-routes.ts';
import { HEADERS, OCTET_STREAM } from './wire.ts';

/** A request that was not read to its end is read and thrown away up to here, so that the connection can be kept. */
const DISCARDED_BYTES_MAX = 64 * 1024;

/** What every answer to an authenticated sender says about this node. */
export function nodeHeaders(maxBodyBytes: number): Record<string, string> {
  return {
    [HEADERS.protocol]: OWN_PROTOCOL,
    [HEADERS.maxBodyBytes]: String(maxBodyBytes),
    'cache-control': 'no-store',
  };
}

export function sendAnswer(response: ServerResponse, answer: Answer, headers: Readonly<Record<string, string>>): void {
  const { body } = answer;
  if (body === null) {
    response.writeHead(204, { ...headers, ...answer.headers });
    response.end();
    return;
  }
  const length = body.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  response.writeHead(200, {
    ...headers,
    ...answer.headers,
    'content-type': OCTET_STREAM,
    'content-length': String(length),
  });
  for (const chunk of body) {
    response.write(chunk);
  }
  response.end();
}

export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: HttpRefusal,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = failureJson(refusal.error);
  response.writeHead(refusal.status, {
    ...refusalHeaders(refusal, headers),
    'content-length': String(Buffer.byteLength(body)),
    ...(mayContinue(request, refusal) ? {} : { connection: 'close' }),
  });
  response.end(body);
  // Unread bytes would be taken for the next request.
  request.resume();
}

/** Ends a connection that asked for an upgrade and does not get it. */
export function refuseUpgrade(socket: Duplex, refusal: HttpRefusal, headers: Readonly<Record<string, string>>): void {
  const body = failureJson(refusal.error);
  const all: Record<string, string> = {
    ...refusalHeaders(refusal, headers),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`;
  socket.end(`${[status, ...lines].join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function refusalHeaders(refusal: HttpRefusal, headers: Readonly<Record<string, string>>): Record<string, string> {
  // Strangers learn nothing about this node.
  const known = refusal.status === 401 ? { 'www-authenticate': 'Bearer' } : headers;
  return { ...known, ...refusal.headers, 'content-type': 'application/json' };
}

/** Whether the rest of the request is worth reading, for the sake of the next one on this connection. */
function mayContinue({ complete, headers }: IncomingMessage, { kind }: HttpRefusal): boolean {
  if (complete) {
    return true;
  }
  const hasLength = headers['transfer-encoding'] === undefined;
  return kind !== 'too-slow' && hasLength && Number(headers['content-length'] ?? 0) <= DISCARDED_BYTES_MAX;
}
