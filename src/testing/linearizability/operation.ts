/** What one client asked for, when, and what came of it: the material of a linearizability check. */

/** Whoever has at most one call open at a time, usually: a client, a connection, a thread. */
export type ProcessId = number | string;

/** When and by whom something was asked. */
export interface Call<Input> {
  readonly process: ProcessId;
  /** A JSON value, like the output: histories are written to files. */
  readonly input: Input;
  /**
   * When the client called, on a clock that all processes of the history share. Only the order counts: an operation
   * comes before another one when it returned at an earlier time than the other was called. Equal times overlap.
   */
  readonly callAt: number;
}

/** It was done, and this was the answer. */
export interface OkOperation<Input, Output> extends Call<Input> {
  readonly type: 'ok';
  readonly output: Output;
  readonly returnAt: number;
}

/** It was certainly not done, and never will be. The check leaves it out. */
export interface FailedOperation<Input> extends Call<Input> {
  readonly type: 'failed';
  readonly returnAt: number;
}

/** Nobody knows: it may take effect at any time after the call, also long after the client gave up, or never. */
export interface UnknownOperation<Input> extends Call<Input> {
  readonly type: 'unknown';
}

export type Operation<Input, Output> = OkOperation<Input, Output> | FailedOperation<Input> | UnknownOperation<Input>;

/** Throws a `RangeError` that names the first operation whose times can't be. */
export function assertTimes(operations: readonly Operation<unknown, unknown>[]): void {
  for (const [index, operation] of operations.entries()) {
    const returnAt = operation.type === 'unknown' ? operation.callAt : operation.returnAt;
    if (!Number.isFinite(operation.callAt) || !Number.isFinite(returnAt) || returnAt < operation.callAt) {
      throw new RangeError(
        `operation ${index} is called at ${operation.callAt} and returns at ${returnAt}: a call comes before its return`,
      );
    }
  }
}
