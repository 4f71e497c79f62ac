/** Were the right things synced before others happened? Looks at the calls of a traced run. */
import { basename, dirname } from 'node:path';
import { TracedFile } from './power-cuts.ts';
import type { TracedCall, TracedRename, TracedSync, TracedWrite } from './strace-reader.ts';

export interface SyncOrder {
  /** What was looked at. */
  readonly counts: Readonly<Record<string, number>>;
  /** What came too early; empty when all is well. */
  readonly violations: readonly string[];
}

/**
 * Of an LMDB file: the page that makes a commit valid is written through a synchronous descriptor, and only when
 * everything that was written before it is durable.
 */
export function checkCommitOrder(calls: readonly TracedCall[], path: string): SyncOrder {
  const file = new TracedFile(calls, path);
  const violations: string[] = [];
  const metaWrites = file.writes.filter(({ isSynchronous }) => isSynchronous);
  const dataWrites = file.writes.filter(({ isSynchronous }) => !isSynchronous);
  for (const meta of metaWrites) {
    const early = dataWrites.filter((data) => data.beginLine < meta.beginLine && !file.isDurable(data, meta.beginLine));
    for (const { beginLine } of early) {
      violations.push(`the commit at line ${meta.beginLine} makes a page valid that line ${beginLine} wrote, unsynced`);
    }
  }
  const syncs = calls.filter((call) => call.type === 'sync' && call.path === path).length;
  return {
    counts: { commits: metaWrites.length, 'writes of pages': dataWrites.length, 'syncs of the file': syncs },
    violations,
  };
}

/** Of snapshots: synced before they get their name, and the name is durable before it is told. */
export function checkPublishOrder(calls: readonly TracedCall[], reportName: string): SyncOrder {
  const violations: string[] = [];
  const renames = calls.filter((call): call is TracedRename => call.type === 'rename');
  const reports = calls.filter((call): call is TracedWrite => isReportOf(call, reportName));
  for (const rename of renames) {
    const file = new TracedFile(calls, rename.path);
    if (file.writes.some((write) => write.beginLine < rename.beginLine && !file.isDurable(write, rename.beginLine))) {
      violations.push(`${basename(rename.path)} got its name at line ${rename.beginLine}, before it was synced`);
    }
  }
  for (const [position, report] of reports.entries()) {
    const rename = renames[position];
    if (rename === undefined || !isNameDurable(calls, rename, report.beginLine)) {
      violations.push(`line ${report.beginLine} tells of a snapshot whose name was not synced`);
    }
  }
  return { counts: { publications: renames.length, 'acknowledgements of them': reports.length }, violations };
}

function isNameDurable(calls: readonly TracedCall[], { to, endLine }: TracedRename, line: number): boolean {
  return calls.some(
    (call): call is TracedSync =>
      call.type === 'sync' && call.path === dirname(to) && call.beginLine > endLine && call.endLine < line,
  );
}

function isReportOf(call: TracedCall, name: string): boolean {
  return call.type === 'write' && call.position === null && call.bytes.toString().startsWith(`${name}#`);
}
