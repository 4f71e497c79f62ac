/** The network port over HTTP: the side that is called. A plain request handler that mounts in any Node.js server. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PeerRefusedError, ProtocolError, UnauthenticatedError } from '../../errors.ts';
import { isAuthorized } from './bearer-token.ts';
import { envelopeFromHeaders, requireProtocol } from './envelope-headers.ts';
import { HttpRefusal, toRefusal } from './http-refusal.ts';
import { ReplyOutbox } from './reply-outbox.ts';
import { nodeHeaders, sendAnswer, sendRefusal } from './send-answer.ts';
import type { ServiceContext } from './service-context.ts';
import { requireAdmission, requireReady } from './service-context.ts';
import type { RaftServiceConfig, RaftServiceOptions, RaftServiceTarget } from './service-options.ts';
import { resolveServiceOptions } from './service-options.ts';
import type { RaftServiceStats } from './service-report.ts';
import { ServiceReport } from './service-report.ts';
import type { Answer } from './service-routes.ts';
import { identityAnswer, POST_ROUTES } from './service-routes.ts';
import { ServiceStreams } from './service-streams.ts';
import { SnapshotInbox } from './snapshot-inbox.ts';
import { UpgradeListener } from './upgrade-listener.ts';
import { HEADERS, NO_STREAM, ROUTES, STREAM_READY } from './wire.ts';

/** A request handler for `node:http`, with what else a server may need. */
export interface RaftService {
  /**
   * Serves a request. With `next` (Express, Connect) requests that are not for this service are passed on; without it
   * they get a 404. Bodies must not have been read before, except into a Buffer at `request.body`.
   */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** Whether a request is for this service, by its path. */
  handles(request: IncomingMessage): boolean;
  /** Listens for the binary stream on a server. Not needed where requests come through `node:http`: see `raftService`. */
  attach(server: Server): void;
  /** For servers whose `upgrade` event somebody else handles: pass on what `handles` says is for this service. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  stats(): RaftServiceStats;
  /** Ends the streams of peers and serves no more. Call it before `server.close()`, which waits for them otherwise. */
  close(): Promise<void>;
}

/**
 * Serves what the `HttpNetwork` of other nodes calls:
 *
 * ```ts
 * createServer(raftService(node.raft, { authToken })).listen(9000);                      // node:http
 * app.use(raftService(node.raft));                                                       // Express, before body parsers
 * app.addHook('onRequest', (request, reply, done) => {                                   // Fastify
 *   if (!raft.handles(request.raw)) return done();
 *   reply.hijack();
 *   raft(request.raw, reply.raw);
 * });
 * app.all('/raft/*', (c) => { raft(c.env.incoming, c.env.outgoing); return RESPONSE_ALREADY_SENT; });   // Hono
 * ```
 *
 * The binary stream needs no further line: with the first request the service finds the server it is mounted in and
 * listens for upgrades there. Upgrades that are for nobody are then served as plain requests, as before.
 *
 * @throws ConfigError naming every option that is wrong
 */
export function raftService(target: RaftServiceTarget, options: RaftServiceOptions = {}): RaftService {
  const service = new HttpService(target, resolveServiceOptions(options));
  const handler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void =>
    service.handle(request, response, next ?? null);
  return Object.assign(handler, {
    handles: (request: IncomingMessage) => service.handles(request),
    attach: (server: Server) => service.upgrades.attach(server),
    handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      service.streams.open(request, socket, head),
    stats: () => service.context.report.stats(),
    close: async () => await service.close(),
  });
}

class HttpService {
  readonly context: ServiceContext;
  readonly streams: ServiceStreams;
  readonly upgrades: UpgradeListener;
  readonly #config: RaftServiceConfig;
  readonly #closing = new AbortController();

  constructor(target: RaftServiceTarget, config: RaftServiceConfig) {
    this.#config = config;
    this.context = {
      config,
      target,
      report: new ServiceReport(config),
      inbox: new SnapshotInbox({ timers: config.timers, idleTimeoutMs: config.snapshotIdleTimeoutMs }),
      outbox: new ReplyOutbox(config),
      closing: this.#closing.signal,
    };
    this.streams = new ServiceStreams(this.context, (request) => this.#authorize(request));
    this.upgrades = new UpgradeListener({
      handles: (request) => this.#routeOf(request) === ROUTES.stream,
      onUpgrade: (request, socket, head) => this.streams.open(request, socket, head),
    });
    target.shutdownSignal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  handles(request: IncomingMessage): boolean {
    return this.#routeOf(request) !== null;
  }

  handle(request: IncomingMessage, response: ServerResponse, next: (() => void) | null): void {
    const route = this.#routeOf(request);
    if (route === null && next !== null) {
      next();
      return;
    }
    this.#serve(request, route).then(
      (answer) => sendAnswer(response, answer, this.#headers()),
      (error: unknown) => {
        const refusal = toRefusal(error);
        this.context.report.onRefused(refusal.kind, refusal, request.socket.remoteAddress ?? 'unknown');
        sendRefusal(request, response, refusal, this.#headers());
      },
    );
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new PeerRefusedError('not-ready', 'the node is stopping'));
      this.upgrades.detach();
      this.streams.close();
      await this.context.inbox.close();
    }
  }

  async #serve(request: IncomingMessage, route: string | null): Promise<Answer> {
    if (route === null) {
      throw new HttpRefusal('no-such-endpoint', 404, new ProtocolError('there is no such endpoint'));
    }
    this.#authorize(request);
    this.#requireMethod(request, route);
    requireProtocol(request.headers);
    requireReady(this.context);
    if (route === ROUTES.stream) {
      const what = 'upgrades do not arrive here as such: something on the way takes them out';
      throw new HttpRefusal('no-such-endpoint', NO_STREAM, new ProtocolError(what));
    }
    const offer = this.upgrades.attachThrough(request) ? { [HEADERS.stream]: STREAM_READY } : {};
    const answer = await this.#post(request, route);
    return { ...answer, headers: { ...offer, ...answer.headers } };
  }

  async #post(request: IncomingMessage, route: string): Promise<Answer> {
    const { context } = this;
    if (route === ROUTES.handshake && request.headers[HEADERS.to] === undefined) {
      // Somebody who does not know yet who lives here.
      return identityAnswer(requireReady(context));
    }
    const envelope = envelopeFromHeaders(request.headers);
    const inbound = requireAdmission(context, envelope);
    const serve = POST_ROUTES.get(route);
    if (serve === undefined) {
      return identityAnswer(inbound);
    }
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    request.socket.once('close', onClose);
    try {
      return await serve({ context, inbound, from: envelope.from, request, signal: gone.signal });
    } finally {
      request.socket.off('close', onClose);
    }
  }

  #authorize({ headers }: IncomingMessage): void {
    if (!isAuthorized(headers.authorization, this.#config.authToken)) {
      throw new UnauthenticatedError('a valid bearer token is required');
    }
  }

  #requireMethod({ method }: IncomingMessage, route: string): void {
    const allowed = route === ROUTES.stream ? 'GET' : 'POST';
    if (method !== allowed) {
      const error = new ProtocolError(`only ${allowed} is possible here, not ${method}`);
      throw new HttpRefusal('no-such-endpoint', 405, error, { allow: allowed });
    }
  }

  /** What follows the prefix, if it is an endpoint. */
  #routeOf(request: IncomingMessage): string | null {
    // Express shortens `url` below the path of a mount.
    const { originalUrl } = request as { readonly originalUrl?: unknown };
    const url = typeof originalUrl === 'string' ? originalUrl : (request.url ?? '');
    const [path = ''] = url.split('?', 1);
    if (!path.startsWith(`${this.#config.prefix}/`)) {
      return null;
    }
    const route = path.slice(this.#config.prefix.length);
    return ALL_ROUTES.has(route) ? route : null;
  }

  #headers(): Record<string, string> {
    return nodeHeaders(this.#config.maxBodyBytes);
  }
}

const ALL_ROUTES: ReadonlySet<string> = new Set(Object.values(ROUTES));
