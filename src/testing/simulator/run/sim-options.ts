/** What is asked of a run, and what came out of it. */
import type { CheckResult } from '../../linearizability/check-result.ts';
import type { KvInput, KvOutput } from '../kv/kv-model.ts';
import type { SettledCall } from '../observation/client-call.ts';
import type { FaultItem, FaultKind } from '../schedule/fault-item.ts';
import type { SimSettings } from '../settings.ts';
import type { TraceSink } from '../trace.ts';

export interface SimOptions {
  /** Everything follows from it: a safe integer that is not negative. */
  readonly seed: number;
  /** How many nodes the cluster starts with. Default: drawn from the seed, 1 to 7. */
  readonly nodes?: number | undefined;
  /** How long faults happen, virtual ms. Default 20 000. */
  readonly durationMs?: number | undefined;
  /** Which kinds of faults may happen. Default: all; each seed has some of them. */
  readonly faults?: readonly FaultKind[] | undefined;
  /** How often faults happen; 1 is usual, 0 is never. */
  readonly intensity?: number | undefined;
  /** These faults instead of drawn ones. */
  readonly schedule?: readonly FaultItem[] | undefined;
  /**
   * Check the calls of the clients for linearizability, too, without knowing the log. Takes a while. Default false. Runs
   * that failed for another reason than safety are not checked.
   */
  readonly checksLinearizability?: boolean | undefined;
  /** Receives what happens, line by line. Default: nobody. Does not change what happens. */
  readonly trace?: TraceSink | undefined;
}

/**
 * - `ok`: all properties held, and the healed cluster served.
 * - `safety`: a property of Raft, or an invariant, did not hold.
 * - `liveness`: the healed cluster did not elect, converge or serve in time.
 * - `crash`: something broke: a node stopped without a reason, or a call failed with an undocumented error.
 */
export type SimOutcome = 'ok' | 'safety' | 'liveness' | 'crash';

export interface SimResult {
  readonly seed: number;
  readonly outcome: SimOutcome;
  /** Which property did not hold; `null` when all did. */
  readonly property: string | null;
  readonly message: string | null;
  /** When that showed, or when the run ended, virtual ms. */
  readonly atMs: number;
  /** Fingerprint of everything that happened, in order. */
  readonly hash: string;
  /** Callbacks that were run. */
  readonly steps: number;
  readonly settings: SimSettings;
  readonly durationMs: number;
  readonly schedule: readonly FaultItem[];
  /** Every call of every client. */
  readonly history: readonly SettledCall[];
  readonly counts: SimCounts;
  /** What the check for linearizability says; `null` when there was none. */
  readonly linearizability: CheckResult<KvInput, KvOutput> | null;
}

export interface SimCounts {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  readonly committed: number;
  /** Processes that were started. */
  readonly starts: number;
  readonly terms: number;
  readonly memberships: number;
}

export const DEFAULT_DURATION_MS = 20_000;
