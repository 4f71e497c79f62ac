/** The server side of the peers' messages, as calls with an answer: for transports of one's own, and for tests. */
import type { NodeId } from '../core/ids.ts';
import type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  PreVoteRequest,
  PreVoteResponse,
  VoteRequest,
  VoteResponse,
} from '../core/message.ts';
import { ProtocolError, TimeoutError } from '../errors.ts';
import type { SnapshotHeader } from '../ports/network.ts';
import { PendingCalls } from '../runtime/pending-calls.ts';
import type { Runtime } from '../runtime/runtime.ts';

type Question = AppendRequest | VoteRequest | PreVoteRequest | HeartbeatRequest;

interface AnswerOf {
  readonly 'append-request': AppendResponse;
  readonly 'vote-request': VoteResponse;
  readonly 'pre-vote-request': PreVoteResponse;
  readonly 'heartbeat-request': HeartbeatResponse;
}

export class RpcCalls {
  readonly #runtime: Runtime;
  readonly #calls: PendingCalls<Message>;

  constructor(runtime: Runtime) {
    const { clock, timers } = runtime.parts;
    this.#runtime = runtime;
    this.#calls = new PendingCalls(clock, timers, {
      timedOut: (timeoutMs) => new TimeoutError('answering a peer', timeoutMs, 'the message may have taken effect'),
      aborted: (reason) => reason,
    });
    runtime.events.listen(({ type }) => {
      if (type === 'stopped') this.#stop();
    });
  }

  /** Resolves with this node's answer, which leaves only after what it promises is durable. */
  async ask<Q extends Question>(from: NodeId, question: Q): Promise<AnswerOf[Q['type']]> {
    const { inbound, parts } = this.#runtime;
    this.#runtime.assertRunning();
    const answer = await this.#calls.call({ timeoutMs: parts.config.rpcTimeoutMs }, (id) =>
      inbound.receive(from, question, (message) => this.#calls.resolve(id, message)),
    );
    // The core answers each question with the message that goes with it.
    return answer as AnswerOf[Q['type']];
  }

  /** Takes a whole snapshot; `chunks` starts at the offset that this node wants, after an earlier stream broke. */
  async installSnapshot(
    from: NodeId,
    header: SnapshotHeader,
    chunks: (fromOffset: number) => AsyncIterable<Uint8Array>,
  ): Promise<Message> {
    this.#runtime.assertRunning();
    const reception = await this.#runtime.inbound.receiveSnapshot(from, header);
    if (!reception.accept) return reception.response;
    const { sink } = reception;
    try {
      for await (const chunk of chunks(sink.offsetBytes)) {
        if (!(chunk instanceof Uint8Array)) throw new ProtocolError('a snapshot chunk is not a Uint8Array');
        await sink.write(chunk);
      }
      return await sink.finish();
    } catch (error) {
      await sink.abort();
      this.#runtime.assertRunning();
      throw error;
    }
  }

  #stop(): void {
    this.#calls.stop(() => this.#runtime.stopped);
  }
}
