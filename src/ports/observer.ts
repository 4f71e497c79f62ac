/** Receives measurements. Called on the hot path: it must be cheap, and an exception in it stops the node. */
export interface Observer {
  /** A thing happened `count` times, e.g. `append.sent`. */
  count(name: string, count: number): void;
  /** A duration in ms or a size in bytes, as its name says, e.g. `persist.ms`. */
  record(name: string, value: number): void;
}
