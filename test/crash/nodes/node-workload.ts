/** A single voter takes proposals, builds snapshots and cuts its log until the process is killed. */
import { IndeterminateError } from '../../../src/errors.ts';
import { MemHub } from '../../../src/network/memory/index.ts';
import type { Reporter } from '../support/reporter.ts';
import { reportingFileSystem } from '../support/reporting-file-system.ts';
import type { VictimTask } from '../support/victim.ts';
import { FINISHED } from '../support/victim.ts';
import type { LedgerNode } from './durable-node.ts';
import { startDurableNode, whenLeading } from './durable-node.ts';
import type { LedgerKind } from './ledger.ts';
import { ledgerRequest, nextIds } from './ledger.ts';

const PROPOSALS_MAX = 1500;
const IN_FLIGHT_MAX = 24;

export async function runNodeWorkload({ directory }: VictimTask, reporter: Reporter, kind: LedgerKind): Promise<void> {
  reporter.report('opening', 0);
  const fileSystem = reportingFileSystem(reporter);
  const { node, rows } = await startDurableNode({ id: 1, directory, kind, hub: new MemHub(), fileSystem });
  reporter.report('opened', 0);
  await node.bootstrapIfNeeded();
  await whenLeading(node);
  reporter.report('leading', 0);
  const ended = reportEvents(node, reporter);
  await untilDeposed(proposeMany(node, reporter, nextIds(rows())));
  reporter.report('closing', 0);
  await node.shutdown();
  await ended;
  reporter.report(FINISHED, 0);
}

export async function reportEvents(node: LedgerNode, reporter: Reporter): Promise<void> {
  for await (const event of node.events()) reporter.report(`event ${event.type}`, 0);
}

/** A disk that hangs for longer than an election timeout costs a node its leadership: then this process has done enough. */
export async function untilDeposed(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof IndeterminateError)) throw error;
  }
}

/** Ids from `first + 1` on; several are under way at a time. */
async function proposeMany(node: LedgerNode, reporter: Reporter, first: number): Promise<void> {
  let inFlight: Promise<void>[] = [];
  for (let id = first + 1; id <= first + PROPOSALS_MAX; id += 1) {
    inFlight.push(proposeOne(node, reporter, id));
    if (inFlight.length < IN_FLIGHT_MAX) continue;
    await Promise.all(inFlight);
    inFlight = [];
  }
  await Promise.all(inFlight);
}

export async function proposeOne(node: LedgerNode, reporter: Reporter, id: number): Promise<void> {
  reporter.report('call propose', id);
  await node.propose(ledgerRequest(id));
  reporter.report('done propose', id);
}
