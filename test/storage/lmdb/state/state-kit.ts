/** Machines on disk with a small language of requests, and what their state must be. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { msgpackCodec } from '../../../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../../../src/core/entry.ts';
import { membershipEntry, normalEntry } from '../../../../src/core/entry.ts';
import { logId } from '../../../../src/core/ids.ts';
import type { SnapshotMeta } from '../../../../src/core/message.ts';
import type { Codec } from '../../../../src/ports/codec.ts';
import type { AppliedState, StateSnapshot } from '../../../../src/ports/state-machine.ts';
import { LmdbStateMachine } from '../../../../src/storage/lmdb/state/lmdb-state-machine.ts';
import { uniformMembership } from '../../../../src/testing/conformance/sample-entries.ts';
import { collect } from '../../../support/collect.ts';

/** Sets or removes keys of one table. */
export interface Changes {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly remove?: readonly string[];
}

export type Machine = LmdbStateMachine<Changes, number>;

export const codec: Codec<Changes, number> = msgpackCodec();

/** The response is the number of changes. */
export function machineIn(directory: string): Machine {
  return new LmdbStateMachine<Changes, number>({
    directory,
    apply(transaction, { set = {}, remove = [] }) {
      const pairs = transaction.table<string, unknown>('pairs');
      for (const [key, value] of Object.entries(set)) pairs.put(key, value);
      for (const key of remove) pairs.remove(key);
      return Object.keys(set).length + remove.length;
    },
  });
}

/** A directory that is removed when the test ends. */
export function makeDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-state-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** An open machine, closed when the test ends. */
export async function openMachine(context: TestContext, directory: string = makeDirectory(context)): Promise<Machine> {
  const machine = machineIn(directory);
  await machine.open(codec);
  context.after(() => machine.close().catch(() => undefined));
  return machine;
}

export function entry(index: number, changes: Changes): Entry {
  return normalEntry(logId(1, index), 1000 + index, codec.encodeRequest(changes));
}

/** Request number `index` of a fixed history, the same in every process. */
function historyEntry(index: number): Entry {
  if (index % 50 === 1) return membershipEntry(logId(1, index), 1000 + index, uniformMembership([1, index + 1]));
  const key = `key ${(index * 7919) % 499}`;
  if (index % 7 === 0) return entry(index, { remove: [key] });
  return entry(index, { set: { [key]: { index, text: 'x'.repeat(index % 300) } } });
}

export function history(fromIndex: number, toIndex: number): Entry[] {
  return Array.from({ length: toIndex - fromIndex }, (_, i) => historyEntry(fromIndex + i));
}

/** What the history leads to. */
export function historyState(lastIndex: number): Record<string, unknown> {
  const state = new Map<string, unknown>();
  for (let index = 1; index <= lastIndex; index++) {
    const { kind, payload } = historyEntry(index);
    if (kind !== 'normal') continue;
    const { set = {}, remove = [] } = codec.decodeRequest(payload);
    for (const [key, value] of Object.entries(set)) state.set(key, value);
    for (const key of remove) state.delete(key);
  }
  return Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function historyApplied(lastIndex: number): AppliedState {
  const lastChange = Math.floor((lastIndex - 1) / 50) * 50 + 1;
  const { membership, logId: id } = historyEntry(lastChange);
  if (membership === null) throw new RangeError('not before the first membership');
  return {
    lastApplied: logId(1, lastIndex),
    lastTimeMs: 1000 + lastIndex,
    membership: { logId: id, membership },
  };
}

export function stateOf(machine: Machine): Record<string, unknown> {
  return machine.read((transaction) => Object.fromEntries(transaction.table<string, unknown>('pairs').range()));
}

export interface Taken {
  readonly meta: SnapshotMeta;
  readonly codecId: string;
  readonly chunks: readonly Uint8Array[];
}

export async function take(machine: Machine): Promise<Taken> {
  const view = await machine.snapshot();
  try {
    return { meta: metaOf(view), codecId: view.codecId, chunks: await collect(view.chunks()) };
  } finally {
    await view.close();
  }
}

export function metaOf({ applied }: StateSnapshot): SnapshotMeta {
  const { lastApplied, lastTimeMs, membership } = applied;
  return { id: `${lastApplied.term}-${lastApplied.index}`, lastLogId: lastApplied, lastTimeMs, membership };
}

export async function restore(machine: Machine, { meta, codecId, chunks }: Taken): Promise<void> {
  await machine.restore(meta, codecId, streamOf(chunks));
}

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}
