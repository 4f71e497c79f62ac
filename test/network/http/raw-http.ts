/** Requests as anybody could send them, good or bad, without the library's client. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { encodeMessages } from '../../../src/network/http/frame-bodies.ts';
import { heartbeat } from '../../../src/testing/conformance/network-world.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Node 1 of the suite's cluster talks to node 2. */
export const GOOD_HEADERS: Readonly<Record<string, string>> = {
  'x-zlayer-protocol': '1-1',
  'x-zlayer-cluster': 'cluster-a',
  'x-zlayer-from': '1',
  'x-zlayer-from-instance': 'instance-1',
  'x-zlayer-to': '2',
  'x-zlayer-to-instance': 'instance-2',
};

export const GOOD_BODY: Buffer = Buffer.concat(encodeMessages('message', [heartbeat(1)]));

export interface RawCall {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A POST of a heartbeat, unless told otherwise. */
export async function call(addr: string, options: RawCall = {}): Promise<RawAnswer> {
  const { method = 'POST', path = '/raft/append', headers = GOOD_HEADERS, body = GOOD_BODY } = options;
  const [host, port] = addr.split(':');
  const request = httpRequest({ host, port, method, path, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(await response.toArray()),
  };
}

/** Sends bytes over a bare connection; resolves with everything that came back once it is closed. */
export async function sendBytes(addr: string, bytes: string | Uint8Array): Promise<string> {
  const [host, port] = addr.split(':');
  const socket = connect(Number(port), host);
  socket.write(bytes);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => socket.destroy());
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

export function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

export function without(headers: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
}
