/** A durable log on real files, and what is in it. */
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import type { FoundLog, OpenedLog } from '../../../src/testing/conformance/log-model.ts';
import { LogModel } from '../../../src/testing/conformance/log-model.ts';

const READ_BYTES = 1024 * 1024;

export async function openLog(directory: string): Promise<OpenedLog> {
  const store = new LmdbLogStore({ directory });
  const newInstanceId = `made-by-${process.pid}`;
  return { store, state: await store.open({ nodeId: 7, clusterName: 'crash', newInstanceId }) };
}

/** Everything in the log. */
export async function readLog({ store, state }: OpenedLog): Promise<FoundLog> {
  const entries: FoundLog['entries'][number][] = [];
  let index = state.lastPurged.index + 1;
  while (index <= state.lastLogId.index) {
    const read = await store.read(index, state.lastLogId.index + 1, READ_BYTES);
    if (read.length === 0) throw new Error(`there is no entry ${index}`);
    entries.push(...read);
    index += read.length;
  }
  return { state, entries };
}

/** The log as a plain one, to which writes can be added. */
export async function modelOf(opened: OpenedLog): Promise<LogModel> {
  return asModel(await readLog(opened));
}

export function asModel({ state, entries }: FoundLog): LogModel {
  const { identity, hardState, lastPurged, committed } = state;
  return new LogModel({ clusterId: identity.clusterId, hardState, lastPurged, entries, committed: [committed] });
}
