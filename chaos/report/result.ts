/** What a run found: the content of its report. */
import type { ChaosArguments } from '../cli/arguments.ts';
import type { Outcome } from '../cli/exit-codes.ts';
import type { FaultName } from '../nemesis/fault.ts';
import type { LinkProxyCounts } from '../network/link-proxy.ts';
import type { Counts, Percentiles, Span } from './availability.ts';

/** Something that is not well. */
export interface Finding {
  readonly outcome: Exclude<Outcome, 'ok'>;
  readonly text: string;
}

/** A fault that happened, in the time of the history. */
export interface ReportedFault extends Span {
  readonly nemesis: FaultName;
  readonly variant: string;
  readonly what: string;
}

export interface NemesisRow {
  /** `none`: while nothing was done. */
  readonly nemesis: FaultName | 'none';
  /** Faults, or quiet times. */
  readonly intervals: number;
  readonly counts: Counts;
  /** Of each interval: the longest time without a success that touches it. */
  readonly gapsMs: readonly number[];
  /** Of these. Null without intervals. */
  readonly gaps: Percentiles | null;
}

export interface CheckReport {
  readonly verdict: 'linearizable' | 'violation' | 'undecided';
  readonly operations: number;
  readonly partitions: number;
  readonly steps: number;
  readonly seconds: number;
  readonly reason: string | null;
  /** The picture, beside the report. */
  readonly violationFile: string | null;
}

export interface ReplicaReport {
  readonly nodeId: number;
  readonly appliedIndex: number;
  readonly keys: number;
  readonly digest: string;
}

export interface ChaosResult {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
  readonly args: ChaosArguments;
  readonly command: string;
  readonly startedAt: string;
  readonly machine: {
    readonly node: string;
    readonly cpu: string;
    readonly cores: number;
    readonly loadAverage: number;
  };
  readonly networkKind: 'namespaces' | 'loopback';
  /** Nemeses that can't run here, and why. */
  readonly leftOut: readonly { readonly nemesis: FaultName; readonly why: string }[];
  /** All of it, in the time of the history. */
  readonly whole: Span;
  /** When there were faults; clients worked before and after, too. */
  readonly faulty: Span;
  readonly counts: Counts;
  /** Why operations failed or are unknown. */
  readonly codes: readonly { readonly code: string; readonly failed: number; readonly unknown: number }[];
  readonly faults: readonly ReportedFault[];
  readonly rows: readonly NemesisRow[];
  /** Operations for each second. */
  readonly perSecond: readonly Counts[];
  /** Times without a success that lasted so long or longer. */
  readonly outageMs: number;
  readonly outages: readonly Span[];
  /** From the end of the faults until all nodes served as voters; null: not in time. */
  readonly healedAfterMs: number | null;
  readonly check: CheckReport | null;
  /** Acknowledged writes that were looked for in the ledger of the nodes. */
  readonly acknowledgedWrites: number;
  readonly replicas: readonly ReplicaReport[];
  readonly proxyCounts: LinkProxyCounts | null;
}
