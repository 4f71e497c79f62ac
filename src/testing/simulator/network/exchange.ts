/** A question to another process and its answer, over a connection that may break on the way. */
import type { NodeId } from '../../../core/ids.ts';
import { IndeterminateError, UnreachableError } from '../../../errors.ts';
import type { SimEndpoint } from './sim-endpoint.ts';
import type { LossReason, SimFabric } from './sim-fabric.ts';

export interface ExchangeOptions<T> {
  readonly fabric: SimFabric;
  readonly own: SimEndpoint;
  readonly to: { readonly nodeId: NodeId; readonly addr: string };
  readonly signal: AbortSignal;
  /** Aborted when the connection is closed. */
  readonly closing: AbortSignal;
  /** Runs in the process that is asked. Its signal aborts when the asker left. */
  readonly work: (endpoint: SimEndpoint, signal: AbortSignal) => Promise<T>;
  /** The answer was ready, but nobody got it. Runs in the process that was asked. */
  readonly onOrphaned?: (value: T) => void;
}

/**
 * @throws UnreachableError when nobody was asked for certain
 * @throws IndeterminateError when somebody may have been
 * @throws the signal's reason, or what the other process answered
 */
export function exchange<T>(options: ExchangeOptions<T>): Promise<T> {
  return new Promise((resolve, reject) => new Exchange(options, resolve, reject).start());
}

class Exchange<T> {
  readonly #options: ExchangeOptions<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #remote = new AbortController();
  #isDone = false;
  #stopWatchingOwn: () => void = () => undefined;
  readonly #onAbort = (): void => this.#leave(this.#options.signal.reason);
  readonly #onClosing = (): void => this.#leave(this.#options.closing.reason);

  constructor(options: ExchangeOptions<T>, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { fabric, own, to, signal, closing } = this.#options;
    if (signal.aborted || closing.aborted) {
      this.#reject(signal.aborted ? signal.reason : closing.reason);
      return;
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
    closing.addEventListener('abort', this.#onClosing, { once: true });
    this.#stopWatchingOwn = own.onGone(() => this.#onOwnEnd());
    fabric.carry({
      from: own.nodeId,
      to: to.nodeId,
      lane: 'large',
      isDuplicable: false,
      deliver: (endpoint) => this.#arrive(endpoint),
      lose: (reason) => this.#loseQuestion(reason),
    });
  }

  /** A process that is gone learns nothing any more, not even this. */
  #onOwnEnd(): void {
    const { own } = this.#options;
    if (own.process.isAlive) this.#leave(new IndeterminateError(`the network of node ${own.nodeId} was closed`));
    else this.#finish(() => this.#tellRemote());
  }

  #leave(reason: unknown): void {
    this.#finish(() => this.#reject(reason));
    this.#tellRemote();
  }

  #arrive(endpoint: SimEndpoint): void {
    const stopWatching = endpoint.onGone(() => this.#failLater('the peer has gone'));
    const { work } = this.#options;
    const answer = (settle: () => void, onLost: () => void): void => {
      stopWatching();
      this.#answer(endpoint, settle, onLost);
    };
    try {
      work(endpoint, this.#remote.signal).then(
        (value) =>
          answer(
            () => this.#resolve(value),
            () => this.#options.onOrphaned?.(value),
          ),
        (error: unknown) =>
          answer(
            () => this.#reject(error),
            () => undefined,
          ),
      );
    } catch (error) {
      answer(
        () => this.#reject(error),
        () => undefined,
      );
    }
  }

  #answer(endpoint: SimEndpoint, settle: () => void, onLost: () => void): void {
    const { fabric, own } = this.#options;
    const lose = (): void => {
      endpoint.process.io(onLost);
      this.#failLater('the answer was lost');
    };
    if (this.#isDone || !endpoint.isOpen) {
      onLost();
      return;
    }
    fabric.carry({
      from: endpoint.nodeId,
      to: own.nodeId,
      lane: 'large',
      isDuplicable: false,
      deliver: (asker) => {
        if (asker === own && !this.#isDone) this.#finish(settle);
        else endpoint.process.io(onLost);
      },
      lose,
    });
  }

  #loseQuestion(reason: LossReason): void {
    const { fabric, own, to } = this.#options;
    if (reason !== 'nobody' || fabric.isCut(to.nodeId, own.nodeId)) {
      this.#failLater('the question may have been lost');
      return;
    }
    own.process.ioAfter(REFUSAL_MS, () =>
      this.#finish(() => this.#reject(new UnreachableError(to.addr, 'the connection was refused'))),
    );
  }

  /** Nobody knows before the connection is found to be broken. */
  #failLater(reason: string): void {
    const { fabric, own, to } = this.#options;
    own.process.ioAfter(fabric.detectionMs(), () =>
      this.#finish(() => this.#reject(new IndeterminateError(`the connection to ${to.addr} broke: ${reason}`))),
    );
  }

  #tellRemote(): void {
    const { fabric, own, to } = this.#options;
    const abort = (): void => this.#remote.abort(new Error(`node ${own.nodeId} does not wait any more`));
    fabric.carry({
      from: own.nodeId,
      to: to.nodeId,
      lane: 'large',
      isDuplicable: false,
      deliver: abort,
      lose: () => undefined,
    });
  }

  #finish(how: () => void): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#options.closing.removeEventListener('abort', this.#onClosing);
    this.#stopWatchingOwn();
    how();
  }
}

/** How long it takes to hear that nobody listens. */
const REFUSAL_MS = 0.5;
