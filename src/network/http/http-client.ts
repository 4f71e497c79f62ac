/** Plain HTTP calls to peers, with limits on time and size. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ProtocolError, UnreachableError } from '../../errors.ts';
import { bearerHeader } from './bearer-token.ts';
import type { HttpNetworkConfig } from './network-options.ts';
import { codeOf, toUnreachable } from './reach-error.ts';
import { OCTET_STREAM, STREAM_PROTOCOL } from './wire.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpCall {
  readonly addr: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is sent as fast as the peer takes it. */
  readonly body: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** How long nothing may happen on the socket. */
  readonly idleTimeoutMs: number;
  /** Whether the call may be made twice, when a kept connection turns out to be closed. */
  readonly isRepeatable: boolean;
  /** One of very many: these share a limited number of connections, apart from those of messages. */
  readonly isBulk?: boolean;
  readonly signal: AbortSignal;
}

/** What a call to a known peer needs besides the envelope. */
export type PostCall = Pick<HttpCall, 'path' | 'body' | 'isRepeatable' | 'isBulk'> & {
  readonly idleTimeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The other side agreed to a stream, or it answered something else. */
export type UpgradeAnswer =
  | { readonly isOpen: true; readonly socket: Duplex; readonly head: Buffer; readonly headers: IncomingHttpHeaders }
  | { readonly isOpen: false; readonly answer: HttpAnswer };

/** Connections to one peer for everything that is asked on behalf of clients. */
const BULK_SOCKETS_MAX = 64;

/** Finds connections that the network lost without a word. */
const KEEP_ALIVE_DELAY_MS = 30_000;

export class HttpClient {
  readonly #config: HttpNetworkConfig;
  readonly #agent: HttpAgent;
  readonly #bulkAgent: HttpAgent;

  constructor(config: HttpNetworkConfig) {
    this.#config = config;
    const Agent = config.tls === null ? HttpAgent : HttpsAgent;
    this.#agent = new Agent({ keepAlive: true });
    this.#bulkAgent = new Agent({ keepAlive: true, maxSockets: BULK_SOCKETS_MAX });
  }

  /** @throws UnreachableError, ProtocolError for an answer beyond the limit, or the signal's reason */
  async post(call: HttpCall): Promise<HttpAnswer> {
    call.signal.throwIfAborted();
    try {
      return await this.#post(call);
    } catch (error) {
      if (error instanceof StaleConnectionError && call.isRepeatable) {
        return await this.#post(call);
      }
      throw error;
    }
  }

  /** Asks for the binary stream on a connection of its own. */
  async upgrade(call: Omit<HttpCall, 'body' | 'isRepeatable'>): Promise<UpgradeAnswer> {
    const { addr, signal } = call;
    signal.throwIfAborted();
    const request = this.#start(
      call,
      { method: 'GET', agent: false },
      {
        connection: 'Upgrade',
        upgrade: STREAM_PROTOCOL,
      },
    );
    return await new Promise<UpgradeAnswer>((resolve, reject) => {
      const onAbort = (): void => void request.destroy();
      signal.addEventListener('abort', onAbort, { once: true });
      request.on('close', () => signal.removeEventListener('abort', onAbort));
      request.on('error', (error) => reject(signal.aborted ? signal.reason : toUnreachable(addr, error)));
      request.on('upgrade', (response, socket, head) => {
        // The limit was for the answer; a stream may be idle.
        socket.setTimeout(0);
        resolve({ isOpen: true, socket, head, headers: response.headers });
      });
      request.on('response', (response) => {
        this.#readAnswer(addr, response).then((answer) => resolve({ isOpen: false, answer }), reject);
      });
      request.end();
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#bulkAgent.destroy();
  }

  async #post(call: HttpCall): Promise<HttpAnswer> {
    const { addr, body, signal } = call;
    const length: Record<string, string> = isChunks(body) ? { 'content-length': String(sizeOf(body)) } : {};
    const request = this.#start(
      call,
      { method: 'POST', agent: call.isBulk === true ? this.#bulkAgent : this.#agent },
      {
        'content-type': OCTET_STREAM,
        ...length,
      },
    );
    const onAbort = (): void => void request.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<HttpAnswer>((resolve, reject) => {
        // An answer may come before the body was sent, and with it the end of the connection: the answer counts.
        request.on('response', (response) => {
          this.#readAnswer(addr, response).then(resolve, reject);
        });
        request.on('error', (error) => reject(failureOf(request, addr, error)));
        sendBody(request, body).catch((error) => reject(toUnreachable(addr, error)));
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #start(
    call: Pick<HttpCall, 'addr' | 'path' | 'headers' | 'idleTimeoutMs'>,
    how: RequestOptions,
    headers: Readonly<Record<string, string>>,
  ): ClientRequest {
    const { tls, authToken, prefix } = this.#config;
    const bearer = bearerHeader(authToken);
    const options: RequestOptions = {
      ...how,
      ...parseAddr(call.addr),
      path: prefix + call.path,
      timeout: call.idleTimeoutMs,
      headers: { ...call.headers, ...headers, ...(bearer === null ? {} : { authorization: bearer }) },
    };
    const request = tls === null ? httpRequest(options) : httpsRequest({ ...tls(), ...options });
    request.setNoDelay(true);
    request.setSocketKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    request.on('timeout', () => {
      const reason = `no answer within ${call.idleTimeoutMs} ms; the process may hang, or packets are lost`;
      request.destroy(new UnreachableError(call.addr, reason));
    });
    return request;
  }

  async #readAnswer(addr: string, response: IncomingMessage): Promise<HttpAnswer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.byteLength;
        if (bytes > this.#config.maxFrameBytes) {
          response.destroy();
          throw new ProtocolError(
            `${addr} answered with more than ${this.#config.maxFrameBytes} bytes (maxFrameBytes)`,
          );
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw toUnreachable(addr, error);
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  }
}

/** A kept connection was closed by the peer at the moment it was used again. */
class StaleConnectionError extends UnreachableError {}

function failureOf(request: ClientRequest, addr: string, error: Error): Error {
  if (request.reusedSocket && codeOf(error) === 'ECONNRESET') {
    return new StaleConnectionError(addr, 'the kept connection was closed', error);
  }
  return toUnreachable(addr, error);
}

async function sendBody(request: ClientRequest, body: HttpCall['body']): Promise<void> {
  if (!isChunks(body)) {
    await pipeline(Readable.from(body, { objectMode: false }), request);
    return;
  }
  for (const chunk of body) {
    request.write(chunk);
  }
  request.end();
}

function isChunks(body: HttpCall['body']): body is readonly Uint8Array[] {
  return Array.isArray(body);
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

/** @throws UnreachableError when it is not `host:port` */
function parseAddr(addr: string): { readonly host: string; readonly port: number } {
  // An IPv6 address stands in brackets.
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:/?#@\s]+)):(\d{1,5})$/.exec(addr) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new UnreachableError(addr, 'the address is not of the form host:port');
  }
  return { host, port: Number(port) };
}
