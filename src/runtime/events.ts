/** What happens in a node, for those who watch it. */
import type { LogId, LogIndex, NodeId, Term } from '../core/ids.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type { RoleName } from '../core/role/role.ts';
import { callAll } from './call-all.ts';

export type NodeEvent =
  | { readonly type: 'role-changed'; readonly role: RoleName; readonly term: Term; readonly leaderId: NodeId | null }
  | { readonly type: 'membership-changed'; readonly membership: StoredMembership; readonly isCommitted: boolean }
  | { readonly type: 'snapshot-built'; readonly lastLogId: LogId; readonly sizeBytes: number }
  | { readonly type: 'snapshot-installed'; readonly lastLogId: LogId; readonly from: NodeId }
  | { readonly type: 'snapshot-failed'; readonly peer: NodeId | null; readonly error: Error }
  | { readonly type: 'log-purged'; readonly upTo: LogId }
  | { readonly type: 'peer-unreachable'; readonly peer: NodeId; readonly error: Error }
  | { readonly type: 'peer-reachable'; readonly peer: NodeId }
  /** Sender and receiver do not belong together, e.g. one of them lost its store. */
  | { readonly type: 'peer-refused'; readonly peer: NodeId; readonly error: Error }
  | {
      readonly type: 'peer-diverged';
      readonly peer: NodeId;
      readonly matchIndex: LogIndex;
      readonly lastIndex: LogIndex;
    }
  | { readonly type: 'slow'; readonly what: 'disk' | 'apply' | 'event-loop'; readonly ms: number }
  /** Subscribers that read too slowly lose events, and are told how many. */
  | { readonly type: 'overflow'; readonly lost: number }
  | { readonly type: 'stopped'; readonly error: Error | null };

/** Most events that wait for one subscriber. */
const QUEUE_LIMIT = 1024;

type Listener = (event: NodeEvent) => void;

export class Events {
  readonly #listeners = new Set<Listener>();
  #isClosed = false;

  emit(event: NodeEvent): void {
    if (event.type === 'stopped') this.#isClosed = true;
    callAll([...this.#listeners].map((listener) => () => listener(event)));
  }

  /** Calls `listener` at once for every event from now on. Returns what ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every event from now on, in order; ends after `stopped`, or when the loop over it is left. */
  iterate(): AsyncIterableIterator<NodeEvent> {
    return new EventIterator(this.#isClosed ? null : (listener) => this.listen(listener));
  }
}

type Waiter = (result: IteratorResult<NodeEvent>) => void;

class EventIterator implements AsyncIterableIterator<NodeEvent> {
  #queue: NodeEvent[] = [];
  #lost = 0;
  readonly #waiters: Waiter[] = [];
  #isDone = false;
  readonly #stop: () => void;

  constructor(listen: ((listener: Listener) => () => void) | null) {
    this.#isDone = listen === null;
    this.#stop = listen === null ? () => undefined : listen((event) => this.#push(event));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<NodeEvent>> {
    const event = this.#queue.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#isDone) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  return(): Promise<IteratorResult<NodeEvent>> {
    this.#end();
    this.#queue = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(event: NodeEvent): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter({ done: false, value: event });
    else this.#enqueue(event);
    if (event.type === 'stopped') this.#end();
  }

  #enqueue(event: NodeEvent): void {
    if (this.#queue.length >= QUEUE_LIMIT && event.type !== 'stopped') {
      // The notice takes the place of an event, which is lost too.
      this.#lost += this.#lost === 0 ? 2 : 1;
      this.#queue[QUEUE_LIMIT - 1] = { type: 'overflow', lost: this.#lost };
      return;
    }
    if (this.#queue.length < QUEUE_LIMIT) this.#lost = 0;
    this.#queue.push(event);
  }

  #end(): void {
    this.#isDone = true;
    this.#stop();
    for (const waiter of this.#waiters.splice(0)) waiter({ done: true, value: undefined });
  }
}
