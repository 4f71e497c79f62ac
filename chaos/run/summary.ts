/** Turns the record of a run into what its report says. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { operationsOf, parseHistory } from 'zlayer-consensus/testing';
import type { ChaosArguments } from '../cli/arguments.ts';
import type { Outcome } from '../cli/exit-codes.ts';
import { EXIT_CODES } from '../cli/exit-codes.ts';
import type { EventNotes } from '../client/history-file.ts';
import type { ClientInput, ClientOutput } from '../client/operation.ts';
import type { LinkProxyCounts } from '../network/link-proxy.ts';
import { countCalls, countSteps, endedCalls, successGaps } from '../report/availability.ts';
import { nemesisRows } from '../report/nemesis-rows.ts';
import type { ChaosResult, Finding, ReportedFault } from '../report/result.ts';
import type { RunRecord } from './chaos-run.ts';
import type { Environment } from './environment.ts';
import { checkLedger, describeLedger } from './ledger-check.ts';

/** The shortest election timeout of the nodes: shorter times without a success are not for the picture. */
const OUTAGE_MS = 500;

export interface SummaryOptions {
  readonly args: ChaosArguments;
  readonly environment: Environment;
  readonly record: RunRecord;
  readonly historyFile: string;
  readonly startedAt: Date;
  readonly proxyCounts: LinkProxyCounts | null;
}

export function summarise({
  args,
  environment,
  record,
  historyFile,
  startedAt,
  proxyCounts,
}: SummaryOptions): ChaosResult {
  const events = parseHistory<ClientInput, ClientOutput>(readFileSync(historyFile, 'utf8'));
  const operations = operationsOf(events);
  const inHistory = (ms: number): number => ms - record.originMs;
  const whole = { startMs: 0, endMs: inHistory(record.endMs) };
  const faults: readonly ReportedFault[] = record.faults.map(({ fault, what, startMs, endMs }) => ({
    nemesis: fault.nemesis,
    variant: fault.variant,
    what,
    startMs: inHistory(startMs),
    endMs: inHistory(endMs),
  }));
  const calls = endedCalls(operations).filter(({ atMs }) => atMs <= whole.endMs);
  const ledger = record.ledger === null ? null : checkLedger(operations, record.ledger);
  const ledgerFindings: readonly Finding[] =
    ledger === null ? [] : describeLedger(ledger).map((text) => ({ outcome: 'violation', text }));
  const findings = [...record.findings, ...ledgerFindings];
  const { nemeses, networkKind, leftOut } = environment;
  return {
    outcome: worstOf(findings),
    findings,
    args,
    command: commandOf(args),
    startedAt: startedAt.toISOString(),
    machine: {
      node: process.version,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      loadAverage: loadavg()[0] ?? 0,
    },
    networkKind,
    leftOut,
    whole,
    faulty: { startMs: inHistory(record.faultsStartMs), endMs: inHistory(record.faultsEndMs) },
    counts: countCalls(calls),
    codes: countCodes(events),
    faults,
    rows: nemesisRows({ calls, whole, faults, nemeses }),
    perSecond: countSteps(calls, whole, 1000),
    outageMs: OUTAGE_MS,
    outages: successGaps(calls, whole).filter(({ startMs, endMs }) => endMs - startMs >= OUTAGE_MS),
    healedAfterMs: record.healedAfterMs,
    check: record.check,
    acknowledgedWrites: ledger?.acknowledged ?? 0,
    replicas: record.replicas,
    proxyCounts,
  };
}

/** The one with the lowest exit code. */
export function worstOf(findings: readonly Finding[]): Outcome {
  const sorted = findings.toSorted((a, b) => EXIT_CODES[a.outcome] - EXIT_CODES[b.outcome]);
  return sorted[0]?.outcome ?? 'ok';
}

/** What runs the same schedule again. */
export function commandOf(args: ChaosArguments): string {
  const nemesis = args.isNamed ? (args.nemeses.length === 0 ? 'none' : args.nemeses.join(',')) : 'all';
  const options = [
    `--seconds ${args.seconds}`,
    `--nemesis ${nemesis}`,
    `--seed ${args.seed}`,
    `--nodes ${args.nodes}`,
    `--clients ${args.clients}`,
    `--rate ${args.ratePerSecond}`,
    `--state ${args.state}`,
    `--network ${args.network}`,
  ];
  return `npm run chaos -- ${options.join(' ')}`;
}

/** The notes of a history say why; they are beside what the checker reads. */
function countCodes(events: readonly (object & { readonly type: string })[]): ChaosResult['codes'] {
  const codes = new Map<string, { failed: number; unknown: number }>();
  for (const event of events) {
    if (event.type !== 'failed' && event.type !== 'unknown') continue;
    // What wrote the history adds these fields to each event.
    const { code = 'unknown' } = event as EventNotes;
    const counts = codes.get(code) ?? { failed: 0, unknown: 0 };
    counts[event.type] += 1;
    codes.set(code, counts);
  }
  const rows = [...codes].map(([code, counts]) => ({ code, ...counts }));
  return rows.toSorted((a, b) => b.failed + b.unknown - a.failed - a.unknown);
}
