/** Finds a way to a peer: the binary stream if it can be had, POSTs otherwise. */
import { decodeLocalIdentity } from '../../codec/envelope-bytes.ts';
import { ConsensusError, PeerRefusedError, UnreachableError } from '../../errors.ts';
import type { LocalIdentity } from '../../ports/network.ts';
import { counterFromHeader, envelopeToHeaders, OWN_PROTOCOL, requireProtocol } from './envelope-headers.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import type { Line, LineContext } from './line.ts';
import type { HttpNetworkConfig } from './network-options.ts';
import { PostLine } from './post-line.ts';
import { errorOf, isOurs, requireSuccess } from './refusal.ts';
import { StreamLine } from './stream-line.ts';
import { DEFAULT_MAX_BODY_BYTES, HEADERS, NO_STREAM, ROUTES, STREAM_READY } from './wire.ts';

/**
 * Greets the peer by a POST first: it says whether it wants to talk at all, and its service learns which server it is
 * mounted in, where it then listens for the upgrade.
 * @throws UnreachableError, PeerRefusedError, UnauthenticatedError, or the signal's reason
 */
export async function openLine(context: LineContext, signal: AbortSignal): Promise<Line> {
  const { headers } = await greet(context, signal);
  const isPossible = context.config.transport === 'stream' && headers[HEADERS.stream] === STREAM_READY;
  return (isPossible ? await openStream(context, signal) : null) ?? new PostLine(context);
}

/**
 * For a peer that answered just now.
 * @returns `null` when a stream can't be had: something in between takes no upgrades, or never answers them
 */
export async function openStream(context: LineContext, signal: AbortSignal): Promise<StreamLine | null> {
  const { timers, connectTimeoutMs } = context.config;
  const patience = new AbortController();
  const timer = timers.setTimer(connectTimeoutMs / 2, () => patience.abort());
  try {
    return await tryStream(context, AbortSignal.any([signal, patience.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (patience.signal.aborted || (ConsensusError.is(error) && error.code === 'UNREACHABLE')) {
      return null;
    }
    throw error;
  } finally {
    timer.cancel();
  }
}

async function tryStream(context: LineContext, signal: AbortSignal): Promise<StreamLine | null> {
  const { client, config, envelope, peer } = context;
  const headers = { ...envelopeToHeaders(envelope()), [HEADERS.maxBodyBytes]: String(config.maxFrameBytes) };
  const call = { addr: peer.addr, path: ROUTES.stream, headers, idleTimeoutMs: config.connectTimeoutMs, signal };
  const upgraded = await client.upgrade(call);
  if (!upgraded.isOpen) {
    const { answer } = upgraded;
    if (answer.status === 401 || (isOurs(answer) && answer.status !== NO_STREAM)) {
      throw errorOf(answer, { nodeId: peer.nodeId, addr: peer.addr });
    }
    return null;
  }
  const peerMaxFrameBytes = counterFromHeader(upgraded.headers, HEADERS.maxBodyBytes) ?? DEFAULT_MAX_BODY_BYTES;
  const line = new StreamLine({ context, socket: upgraded.socket, head: upgraded.head, peerMaxFrameBytes });
  const onAbort = (): void => line.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    requireProtocol(upgraded.headers);
    requireIdentity(await line.identity, context);
    return line;
  } catch (error) {
    line.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Asks a peer who it is, and whether it wants to talk to us. */
async function greet(context: LineContext, signal: AbortSignal): Promise<HttpAnswer> {
  const { client, config, envelope, peer } = context;
  const headers = envelopeToHeaders(envelope());
  const answer = await postHandshake({ client, config, addr: peer.addr, headers, signal });
  const answerer = { nodeId: peer.nodeId, addr: peer.addr };
  requireIdentity(decodeLocalIdentity(requireSuccess(answer, answerer).body), context);
  return answer;
}

export interface HandshakeOptions {
  readonly client: HttpClient;
  readonly config: HttpNetworkConfig;
  readonly addr: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function postHandshake({ client, config, addr, headers, signal }: HandshakeOptions): Promise<HttpAnswer> {
  return await client.post({
    addr,
    path: ROUTES.handshake,
    headers: { [HEADERS.protocol]: OWN_PROTOCOL, ...headers },
    body: [],
    idleTimeoutMs: config.connectTimeoutMs,
    isRepeatable: true,
    signal,
  });
}

/** Asks whoever answers at an address who it is. */
export async function askIdentity(options: HandshakeOptions): Promise<LocalIdentity> {
  const answer = await postHandshake(options);
  // Nobody knows yet which node answers; its number matters only for errors that a handshake does not have.
  const { body } = requireSuccess(answer, { nodeId: 0, addr: options.addr });
  try {
    return decodeLocalIdentity(body);
  } catch (error) {
    throw new UnreachableError(options.addr, 'the answer to the handshake is not readable', error);
  }
}

/** The peer admitted us; is it the one that we mean? */
function requireIdentity(identity: LocalIdentity, { peer, envelope }: LineContext): void {
  const { clusterId } = envelope();
  if (identity.nodeId !== peer.nodeId) {
    throw new PeerRefusedError('node', `node ${identity.nodeId} answers at ${peer.addr}, not node ${peer.nodeId}`);
  }
  if (peer.instanceId !== null && identity.instanceId !== peer.instanceId) {
    throw new PeerRefusedError(
      'instance',
      `node ${peer.nodeId} at ${peer.addr} has the instance id ${identity.instanceId} instead of ${peer.instanceId}: was its disk replaced?`,
    );
  }
  if (clusterId !== null && identity.clusterId !== null && identity.clusterId !== clusterId) {
    throw new PeerRefusedError('cluster', `${peer.addr} is part of another cluster (${identity.clusterId})`);
  }
}
