/** Runs a workload of the crash tests under strace, and kills it in the end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report, VictimTask } from '../support/victim.ts';
import { readReports, WORKLOAD_COMMAND } from '../support/victim.ts';
import type { TracedCall } from './strace-reader.ts';
import { readTrace, TRACED_CALLS } from './strace-reader.ts';

/** Of Linux, if at all. */
const TRACER = 'strace';

const TEXT_BYTES_MAX = 16 * 1024 * 1024;

export interface TracedRun {
  readonly task: VictimTask;
  readonly calls: readonly TracedCall[];
  /** Every line of the trace: a moment at which the power may fail. */
  readonly lineCount: number;
}

export function canTrace(): boolean {
  return spawnSync(TRACER, ['-o', '/dev/null', 'true']).status === 0;
}

/** Runs until the workload kills itself. */
export function runTraced(workload: string, killName: string, occurrence: number, seed: number): TracedRun {
  const place = mkdtempSync(join(tmpdir(), 'zlayer-traced-'));
  try {
    const killPoint = { name: killName, occurrence, delayUs: 0, by: 'self' } as const;
    const task: VictimTask = { workload, directory: join(place, 'data'), seed, killPoint };
    const output = join(place, 'trace');
    const [program = '', ...words] = WORKLOAD_COMMAND;
    const flags = ['-f', '-y', '-xx', '-s', String(TEXT_BYTES_MAX), '-e', `trace=${TRACED_CALLS}`, '-o', output];
    const { status, stderr } = spawnSync(TRACER, [...flags, program, ...words, JSON.stringify(task)], {
      maxBuffer: 2 ** 28,
    });
    if (status === 0) throw new Error(`the workload ended by itself: ${String(stderr)}`);
    const trace = readFileSync(output, 'latin1');
    return { task, calls: readTrace(trace), lineCount: trace.split('\n').length };
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** What the process had said when this line was reached. */
export function reportsUpTo({ calls }: TracedRun, line: number): readonly Report[] {
  const said = calls.filter((call) => isReport(call) && call.endLine <= line);
  return readReports(said.map((call) => (call.type === 'write' ? call.bytes.toString() : '')).join(''));
}

/** Threads wake each other through pipes, too. */
export function isReport(call: TracedCall): boolean {
  return call.type === 'write' && call.position === null && /^[\w -]+#\d+\n$/.test(call.bytes.toString());
}
