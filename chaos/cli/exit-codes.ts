/** What the exit code of a run says; the same numbers as those of the simulator. */

/** The more certain a failure is a mistake in the library, the lower. */
export const EXIT_CODES = {
  ok: 0,
  /** The command line is wrong, or asks for what can't be done here. */
  usage: 1,
  /** The history is not linearizable, a write was lost or done twice, or nodes differ. */
  violation: 2,
  /** The healed cluster did not serve in time. */
  liveness: 3,
  /** A node stopped by itself although nothing was done to it, or the harness broke. */
  crash: 4,
  /** The checker gave up before it knew. */
  undecided: 5,
  interrupted: 130,
} as const;

export type Outcome = Exclude<keyof typeof EXIT_CODES, 'usage'>;

/** The command line can't be understood, or asks for something impossible here. The message goes to the user. */
export class UsageError extends Error {}
