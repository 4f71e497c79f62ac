/** A clock that all processes of a machine share, and that goes on when the wall clock jumps. */

/** Milliseconds since some moment. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
