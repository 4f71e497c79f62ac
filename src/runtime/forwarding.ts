/** Proposals and read positions across nodes: asked of the leader here, answered for others there. */

import { fromRemoteFailure, toRemoteFailure } from '../codec/remote-error.ts';
import type { LogId, NodeId } from '../core/ids.ts';
import { ConsensusError, IndeterminateError, NotLeaderError, PayloadTooLargeError, TimeoutError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Codec } from '../ports/codec.ts';
import type { PeerConnection, PeerRequest, PeerResponse } from '../ports/network.ts';
import { deadlineSignal } from './deadline-signal.ts';
import type { CallOptions } from './pending-calls.ts';
import type { Proposals } from './proposals.ts';
import type { Reads } from './reads.ts';
import type { LeaderHint } from './refusal-error.ts';

/** Elections and transfers move the leader; who is sent on more often than this gives up. */
const MAX_HOPS = 4;

export interface ForwarderParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly codec: Codec<unknown, unknown>;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly config: { readonly maxRequestBytes: number };
  /** Take a turn for what was proposed. */
  readonly schedule: () => void;
  readonly hint: () => LeaderHint;
  readonly connection: (peer: NodeId) => PeerConnection | null;
}

export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** Proposes on the leader; the response comes back as the leader's state machine gave it. */
  async propose(payload: Uint8Array, options: CallOptions): Promise<{ logId: LogId; response: unknown }> {
    const answer = await this.#ask((timeoutMs) => ({ type: 'propose', payload, timeoutMs }), options);
    if (answer.type !== 'proposed') throw new IndeterminateError(`the leader answered "${answer.type}" to a proposal`);
    const { logId, response } = answer;
    return { logId, response: carried(logId, () => this.#parts.codec.decodeResponse(response)) };
  }

  async readPosition(options: CallOptions): Promise<LogId> {
    const answer = await this.#ask((timeoutMs) => ({ type: 'read-index', timeoutMs }), options);
    if (answer.type === 'read-index') return answer.readLogId;
    throw new NotLeaderError(this.#parts.hint().nodeId, null, null);
  }

  /** Answers another node. Never throws: failures are part of the answer. */
  async answer(request: PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    const { proposals, reads, codec, config, schedule } = this.#parts;
    const options = { signal, timeoutMs: request.timeoutMs };
    try {
      if (request.type === 'read-index') {
        const { readLogId } = await reads.position('read-index', options);
        return { type: 'read-index', readLogId };
      }
      const { byteLength } = request.payload;
      if (byteLength > config.maxRequestBytes) throw new PayloadTooLargeError(byteLength, config.maxRequestBytes);
      const proposed = proposals.add(request.payload, options);
      schedule();
      const { logId, response } = await proposed;
      const bytes = carried(logId, () => codec.encodeResponse(response));
      return { type: 'proposed', logId, response: bytes };
    } catch (error) {
      return { type: 'failed', error: toRemoteFailure(error) };
    }
  }

  async #ask(makeRequest: (timeoutMs: number) => PeerRequest, options: CallOptions): Promise<PeerResponse> {
    options.signal?.throwIfAborted();
    const { clock, timers } = this.#parts;
    const deadlineMs = clock.nowMs() + options.timeoutMs;
    const { signal, release } = deadlineSignal(timers, options);
    const request = (): PeerRequest => makeRequest(Math.max(1, deadlineMs - clock.nowMs()));
    try {
      return await this.#follow(request, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      // The caller's reason may be any error: it says nothing about the request.
      const failure = error !== signal.reason && ConsensusError.is(error) ? error : null;
      if (failure !== null && failure.code !== 'UNREACHABLE') throw failure;
      throw this.#gaveUp(request().type, options, failure);
    } finally {
      release();
    }
  }

  /** Asks the leader, and whoever it names instead. */
  async #follow(request: () => PeerRequest, signal: AbortSignal): Promise<PeerResponse> {
    let refusal: ConsensusError | null = null;
    for (let hop = 0; hop < MAX_HOPS; hop += 1) {
      const { leaderId, leaderNode } = this.#parts.hint();
      const connection = leaderId === null ? null : this.#parts.connection(leaderId);
      if (connection === null || leaderId === null || leaderNode === null) break;
      const asked = request();
      const { type } = asked;
      const answer = await connection.request(asked, { signal });
      if (answer.type !== 'failed') return answer;
      refusal = fromRemoteFailure(answer.error, {
        nodeId: leaderId,
        peerAddr: leaderNode.addr,
        mayHaveAppended: type === 'propose',
      });
      if (refusal.code !== 'NOT_LEADER') throw refusal;
      // It will not change its mind; ask again only when another leader is known by now.
      if (this.#parts.hint().leaderId === leaderId) break;
    }
    const { nodeId, leaderId, leaderNode } = this.#parts.hint();
    throw refusal ?? new NotLeaderError(nodeId, leaderId, leaderNode);
  }

  /** The caller left or the time is over. A proposal that was sent may be applied; a read changes nothing. */
  #gaveUp(type: PeerRequest['type'], { signal, timeoutMs }: CallOptions, unreachable: ConsensusError | null): unknown {
    const isAborted = signal?.aborted === true;
    if (type === 'propose' && unreachable === null) {
      const reason = isAborted ? 'the caller aborted' : `the leader did not answer within ${timeoutMs} ms`;
      return new IndeterminateError(reason, { cause: signal?.reason });
    }
    return isAborted ? signal.reason : new TimeoutError('asking the leader', timeoutMs);
  }
}

/** The request is applied by now: that its response can't travel must not look like a request that was refused. */
function carried<T>(logId: LogId, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new IndeterminateError("the request was applied, but its response can't be carried between nodes", {
      logId,
      cause,
    });
  }
}
