/** What the nodes of the crash tests replicate: who was applied, how often, where in the log, and with which bytes. */
import { crc32 } from 'node:zlib';
import type { StateMachine } from '../../../src/ports/state-machine.ts';
import { LmdbStateMachine } from '../../../src/storage/lmdb/state/lmdb-state-machine.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import { sampleBytes } from '../../../src/testing/conformance/expect.ts';

export interface LedgerRequest {
  readonly id: number;
  readonly payload: Uint8Array;
}

export interface LedgerRow {
  readonly checksum: number;
  readonly times: number;
  readonly index: number;
}

/** The position in the log. */
export type LedgerResponse = number;

export type LedgerKind = 'memory' | 'disk';

export interface Ledger {
  readonly stateMachine: StateMachine<LedgerRequest, LedgerResponse>;
  /** By id. */
  rows(): ReadonlyMap<number, LedgerRow>;
}

/** The ids of one process lie within so many; those of the next one are greater. */
export const IDS_PER_PROCESS = 1_000_000;

const PAYLOAD_BYTES: readonly number[] = [10, 100, 1000, 10_000];

export function ledgerRequest(id: number): LedgerRequest {
  return { id, payload: sampleBytes(PAYLOAD_BYTES[id % PAYLOAD_BYTES.length] ?? 0, id) };
}

/** The id before the first one of a process that starts with this ledger. */
export function nextIds(rows: ReadonlyMap<number, LedgerRow>): number {
  const last = Math.max(0, ...rows.keys());
  return last - (last % IDS_PER_PROCESS) + IDS_PER_PROCESS;
}

/** `directory` is for a state on the disk. */
export function makeLedger(kind: LedgerKind, directory: string): Ledger {
  return kind === 'memory' ? memoryLedger() : diskLedger(directory);
}

function memoryLedger(): Ledger {
  const stateMachine = new MemStateMachine<Map<number, LedgerRow>, LedgerRequest, LedgerResponse>({
    initialState: () => new Map(),
    apply(rows, request, { logId }) {
      rows.set(request.id, nextRow(rows.get(request.id), request, logId.index));
      return logId.index;
    },
  });
  return { stateMachine, rows: () => stateMachine.state };
}

function diskLedger(directory: string): Ledger {
  const stateMachine = new LmdbStateMachine<LedgerRequest, LedgerResponse>({
    directory,
    apply(transaction, request, { logId }) {
      const rows = transaction.table<number, LedgerRow>('rows');
      rows.put(request.id, nextRow(rows.get(request.id), request, logId.index));
      return logId.index;
    },
  });
  const rows = (): Map<number, LedgerRow> =>
    stateMachine.read((transaction) => new Map(transaction.table<number, LedgerRow>('rows').range()));
  return { stateMachine, rows };
}

function nextRow(row: LedgerRow | undefined, { payload }: LedgerRequest, index: number): LedgerRow {
  return { checksum: crc32(payload), times: (row?.times ?? 0) + 1, index };
}
