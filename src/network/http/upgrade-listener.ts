/**
 * Hears of upgrades on servers that the service is mounted in. Applications only hand requests over, so the service
 * finds the server through the first request that it gets, and listens there from then on.
 *
 * A server that listens for upgrades gets all of them, also those that it served as plain requests before. Where
 * Node.js asks whether a request shall be upgraded (from 24.9 on), only those for a service are, unless somebody else
 * listens too. Where it does not ask, the others are handed back as plain requests.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface UpgradeListenerOptions {
  /** Whether an upgrade is for this service. */
  readonly handles: (request: IncomingMessage) => boolean;
  readonly onUpgrade: OnUpgrade;
}

/** Marks listeners of this class, so that several services can share a server. */
const OURS: unique symbol = Symbol.for('zlayer-consensus.upgrade') as never;

interface MarkedListener extends OnUpgrade {
  [OURS]?: UpgradeListenerOptions['handles'];
}

/** A server of a Node.js that asks. */
interface AskingServer extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

export class UpgradeListener {
  readonly #options: UpgradeListenerOptions;
  readonly #servers = new Set<Server>();
  readonly #listener: MarkedListener;

  constructor(options: UpgradeListenerOptions) {
    this.#options = options;
    this.#listener = (request, socket, head) => this.#onUpgrade(request, socket, head);
    this.#listener[OURS] = options.handles;
  }

  attach(server: Server): void {
    if (!this.#servers.has(server)) {
      this.#servers.add(server);
      answerFor(server);
      server.on('upgrade', this.#listener);
    }
  }

  /** Listens on the server that a request came through; `false` when there is no such server. */
  attachThrough(request: IncomingMessage): boolean {
    const server = serverOf(request.socket);
    if (server !== null) {
      this.attach(server);
    }
    return server !== null;
  }

  detach(): void {
    for (const server of this.#servers) {
      server.off('upgrade', this.#listener);
    }
    this.#servers.clear();
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#options.handles(request)) {
      this.#options.onUpgrade(request, socket, head);
      return;
    }
    const server = serverOf(request.socket);
    const listeners = (server?.listeners('upgrade') ?? []) as MarkedListener[];
    const isForOthers = listeners.some((listener) => listener[OURS]?.(request) !== false);
    // If nobody wants it, the first of ours takes care of it.
    if (server !== null && !isForOthers && listeners[0] === this.#listener) {
      serveAsRequest(server, { request, socket, head });
    }
  }
}

/** Asked about a request, the server says yes for a service's own, and what it said before if others listen too. */
function answerFor(server: AskingServer): void {
  const before = server.shouldUpgradeCallback;
  if (before === undefined) {
    return;
  }
  server.shouldUpgradeCallback = (request) => {
    const listeners = server.listeners('upgrade') as MarkedListener[];
    const isOurs = listeners.some((listener) => listener[OURS]?.(request) === true);
    return isOurs || (listeners.some((listener) => listener[OURS] === undefined) && before.call(server, request));
  };
}

/** The server of a connection: set by Node.js on every socket that an HTTP server accepts. */
function serverOf(socket: Duplex | null | undefined): Server | null {
  const { server } = (socket ?? {}) as { readonly server?: Partial<Server> };
  return typeof server?.on === 'function' && typeof server.listeners === 'function' ? (server as Server) : null;
}

/** Lets the server read the request again, this time without the wish for an upgrade. */
function serveAsRequest(
  server: Server,
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`, ...headerLines(request.rawHeaders)];
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  const isTls = 'encrypted' in socket;
  server.emit(isTls ? 'secureConnection' : 'connection', socket);
}

function headerLines(rawHeaders: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (name.toLowerCase() !== 'upgrade' && kept !== '') {
      lines.push(`${name}: ${kept}`);
    }
  }
  return lines;
}

function withoutUpgrade(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => option.toLowerCase() !== 'upgrade').join(', ');
}
