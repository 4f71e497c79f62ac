/** What the tests of `MemStateMachine`'s snapshots share. */
import { msgpackCodec } from '../../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import type { Timers } from '../../../src/ports/clock.ts';
import type { Codec } from '../../../src/ports/codec.ts';
import type { StateMachine, StateSnapshot } from '../../../src/ports/state-machine.ts';
import type { MemStateMachineOptions } from '../../../src/storage/memory/index.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import { systemTimers } from '../../../src/system/system-ports.ts';

export type Request = readonly [key: unknown, value: unknown];
export type MapMachine = MemStateMachine<Map<unknown, unknown>, Request, null>;
export type Options<State> = MemStateMachineOptions<State, Request, null>;

const codec: Codec<Request, null> = msgpackCodec();

export async function open<State>(options: Options<State>): Promise<MemStateMachine<State, Request, null>> {
  const machine = new MemStateMachine(options);
  await machine.open(codec);
  return machine;
}

export function openMap(options: Partial<Options<Map<unknown, unknown>>> = {}): Promise<MapMachine> {
  return open({ initialState: () => new Map<unknown, unknown>(), apply: putInMap, ...options });
}

/** With so many keys, and an object of its own for each. */
export async function filledMap(
  keys: number,
  options: Partial<Options<Map<unknown, unknown>>> = {},
): Promise<MapMachine> {
  const machine = await openMap(options);
  await machine.apply(
    Array.from({ length: keys }, (_, i) => put(i + 1, `key ${i}`, { number: i, text: 'some text', list: [i, null] })),
  );
  return machine;
}

export function put(index: number, key: unknown, value: unknown): Entry {
  return normalEntry(logId(1, index), 0, codec.encodeRequest([key, value]));
}

export function putInMap(state: Map<unknown, unknown>, [key, value]: Request): null {
  state.set(key, value);
  return null;
}

export interface Taken {
  readonly snapshot: StateSnapshot;
  readonly chunks: readonly Uint8Array[];
}

export async function take(machine: StateMachine<Request, null>): Promise<Taken> {
  const snapshot = await machine.snapshot();
  const chunks = await collect(snapshot);
  await snapshot.close();
  return { snapshot, chunks };
}

export async function collect(snapshot: StateSnapshot): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.chunks()) {
    chunks.push(chunk);
  }
  return chunks;
}

export async function restore(
  machine: StateMachine<Request, null>,
  snapshot: StateSnapshot,
  chunks: readonly Uint8Array[],
): Promise<void> {
  await machine.restore(metaOf(snapshot), snapshot.codecId, stream(chunks));
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

export function metaOf({ applied }: StateSnapshot): SnapshotMeta {
  const { lastApplied, lastTimeMs, membership } = applied;
  return { id: 'a', lastLogId: lastApplied, lastTimeMs, membership };
}

/** The real timers, with something to do in each turn of the event loop that is waited for. */
export function busyTimers(onTurn: () => void): Timers {
  return {
    ...systemTimers,
    nextTurn: (callback) => {
      onTurn();
      systemTimers.nextTurn(callback);
    },
  };
}
