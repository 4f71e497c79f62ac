/** One request over a stream. */
import { decodePeerResponse, encodePeerRequest, encodeRemoteFailure } from '../../codec/envelope-bytes.ts';
import type { Frame } from '../../codec/peer-frame.ts';
import { toRemoteFailure } from '../../codec/remote-error.ts';
import { BusyError, IndeterminateError, ProtocolError } from '../../errors.ts';
import type { PeerRequest, PeerResponse } from '../../ports/network.ts';
import type { FrameWriter, Lane } from './frame-writer.ts';
import type { StreamCall, StreamCalls } from './stream-call.ts';

export interface StreamRequestOptions {
  readonly request: PeerRequest;
  readonly signal: AbortSignal;
  readonly calls: StreamCalls;
  readonly writer: FrameWriter;
  readonly addr: string;
}

/** Resolves with the peer's answer; see `PeerConnection.request` for the errors. */
export async function requestOverStream(options: StreamRequestOptions): Promise<PeerResponse> {
  options.signal.throwIfAborted();
  return await new Promise<PeerResponse>((resolve, reject) => {
    new StreamRequest(options, resolve, reject).start();
  });
}

class StreamRequest implements StreamCall {
  readonly #options: StreamRequestOptions;
  readonly #resolve: (response: PeerResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #id: number;
  readonly #onAbort = (): void => this.#abort();
  #isWritten = false;

  constructor(
    options: StreamRequestOptions,
    resolve: (response: PeerResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#id = options.calls.freeId();
  }

  start(): void {
    const { request, signal, calls, writer, addr } = this.#options;
    const frame = { type: 'request', id: this.#id, body: encodePeerRequest(request) } as const;
    const onWritten = (): void => {
      this.#isWritten = true;
    };
    if (!writer.write(this.#lane, frame, onWritten)) {
      this.#reject(new BusyError('maxQueueBytes', `too much is waiting for ${addr}; retry later`));
      return;
    }
    calls.set(this.#id, this);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onFrame({ type, body }: Frame): void {
    if (type !== 'response') {
      throw new ProtocolError(`a ${type} frame is no answer to a request`);
    }
    const response = decodePeerResponse(body);
    this.#release();
    this.#resolve(response);
  }

  fail(error: Error): void {
    this.#release();
    // What never left this process certainly did not reach the peer.
    this.#reject(
      this.#isWritten ? new IndeterminateError(`the connection was lost: ${error.message}`, { cause: error }) : error,
    );
  }

  /** Heartbeats must not wait behind the proposals of many clients. */
  get #lane(): Lane {
    return this.#options.request.type === 'propose' ? 'large' : 'small';
  }

  #abort(): void {
    const { writer, signal } = this.#options;
    this.#release();
    // In the lane of the request, so that it can't arrive before it.
    const body = [encodeRemoteFailure(toRemoteFailure(signal.reason))];
    writer.write(this.#lane, { type: 'error', id: this.#id, body });
    this.#reject(signal.reason);
  }

  #release(): void {
    this.#options.calls.remove(this.#id);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }
}
