/** Turns upgrades into streams, and keeps track of them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { BusyError, ProtocolError } from '../../errors.ts';
import { counterFromHeader, envelopeFromHeaders } from './envelope-headers.ts';
import { HttpRefusal, toRefusal } from './http-refusal.ts';
import { nodeHeaders, refuseUpgrade } from './send-answer.ts';
import type { ServiceContext } from './service-context.ts';
import { requireAdmission } from './service-context.ts';
import { StreamServer } from './stream-server.ts';
import { DEFAULT_MAX_BODY_BYTES, HEADERS, STREAM_PROTOCOL } from './wire.ts';

/** Finds connections that the network lost without a word. */
const KEEP_ALIVE_DELAY_MS = 30_000;

export class ServiceStreams {
  readonly #context: ServiceContext;
  readonly #authorize: (request: IncomingMessage) => void;
  readonly #streams = new Set<StreamServer>();
  readonly #taken = new WeakSet<Duplex>();

  constructor(context: ServiceContext, authorize: (request: IncomingMessage) => void) {
    this.#context = context;
    this.#authorize = authorize;
  }

  /** Ignores a socket that it got before: an application may hand over what was heard of already. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#taken.has(socket)) {
      return;
    }
    this.#taken.add(socket);
    const { config, report } = this.#context;
    const headers = nodeHeaders(config.maxBodyBytes);
    // From here on nobody else listens; an error must not end the process.
    socket.on('error', () => socket.destroy());
    try {
      this.#open(request, socket, headers)?.start(head);
    } catch (error) {
      const refusal = toRefusal(error);
      report.onRefused(refusal.kind, refusal, request.socket.remoteAddress ?? 'unknown');
      refuseUpgrade(socket, refusal, headers);
    }
  }

  close(): void {
    for (const stream of [...this.#streams]) {
      stream.close();
    }
  }

  #open(request: IncomingMessage, socket: Duplex, headers: Readonly<Record<string, string>>): StreamServer {
    const context = this.#context;
    this.#authorize(request);
    if (request.headers.upgrade?.toLowerCase() !== STREAM_PROTOCOL) {
      throw new ProtocolError(`only an upgrade to ${STREAM_PROTOCOL} is possible here`);
    }
    const envelope = envelopeFromHeaders(request.headers);
    const inbound = requireAdmission(context, envelope);
    if (this.#streams.size >= context.config.maxStreams) {
      const busy = new BusyError('maxStreams', `${this.#streams.size} streams are open already; retry later`);
      throw new HttpRefusal('not-ready', 503, busy);
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const start = ['HTTP/1.1 101 Switching Protocols', `upgrade: ${STREAM_PROTOCOL}`, 'connection: Upgrade', ...lines];
    socket.write(`${start.join('\r\n')}\r\n\r\n`);
    tune(request);
    const stream = new StreamServer({
      context,
      inbound,
      from: envelope.from,
      remote: request.socket.remoteAddress ?? 'unknown',
      maxSendBytes: counterFromHeader(request.headers, HEADERS.maxBodyBytes) ?? DEFAULT_MAX_BODY_BYTES,
      socket,
      onClose: () => {
        this.#streams.delete(stream);
        context.report.onStreamClosed();
      },
    });
    this.#streams.add(stream);
    context.report.onStreamOpened();
    return stream;
  }
}

function tune({ socket }: IncomingMessage): void {
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  // A peer that stays connected must not keep a process alive that has nothing else to do.
  socket.unref();
}
