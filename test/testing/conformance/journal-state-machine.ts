/** A state machine that keeps a journal on a plain disk: each step can be overridden, to break it on purpose. */
import type { Entry } from '../../../src/core/entry.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { StorageError } from '../../../src/errors.ts';
import type { Codec } from '../../../src/ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../../src/ports/state-machine.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import { collect } from '../../../src/testing/conformance/snapshot-store-world.ts';
import type { StateMachinePlace } from '../../../src/testing/conformance/state-machine-world.ts';
import { inPieces } from '../../../src/testing/conformance/state-machine-world.ts';
import type { PlainDisk, PlainProcess } from './plain-disk.ts';
import { plainPlace } from './plain-disk.ts';
import { decodeLine, encodeLine } from './plain-lines.ts';

export interface Put {
  readonly key: string;
  readonly value: number;
}

export type PutResults = readonly (number | null | undefined)[];

export type StateRecord =
  | { readonly type: 'apply'; readonly entries: readonly Entry[] }
  | { readonly type: 'restore'; readonly meta: SnapshotMeta; readonly codecId: string; readonly bytes: Uint8Array };

/** One line for what is applied together, one for a state that is restored, each synced before the next one. */
export class JournalStateMachine implements StateMachine<Put, number | null> {
  readonly isDurable: boolean = true;
  readonly process: PlainProcess;
  machine: MemStateMachine<Map<string, number>, Put, number | null> = newMachine();
  codec: Codec<Put, number | null> | null = null;
  tail: Promise<unknown> = Promise.resolve();
  hasFailed = false;

  constructor(process: PlainProcess) {
    this.process = process;
  }

  get disk(): PlainDisk {
    return this.process.disk;
  }

  async open(codec: Codec<Put, number | null>): Promise<AppliedState> {
    this.lock();
    try {
      this.codec = codec;
      await this.machine.open(codec);
      await this.replay();
      // What is told must be on the disk: the process before may have been killed before it synced.
      await this.useDisk(() => this.process.sync());
      return this.applied();
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  applied(): AppliedState {
    return this.machine.applied();
  }

  apply(entries: readonly Entry[]): Promise<PutResults> {
    return this.inTurn(async () => {
      for (const { payload, kind } of entries) {
        // What can not be applied must not get into the journal.
        if (kind === 'normal' && this.codec?.decodeRequest(payload).key === 'fail') throw new Error('fails');
      }
      await this.persist({ type: 'apply', entries });
      return await this.machine.apply(entries);
    });
  }

  snapshot(): Promise<StateSnapshot> {
    return this.machine.snapshot();
  }

  restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.inTurn(async () => {
      const bytes = await collect(chunks);
      // To a machine aside at first: a broken snapshot must not get into the journal.
      const aside = newMachine();
      if (this.codec !== null) await aside.open(this.codec);
      await aside.restore(meta, codecId, inPieces(bytes, 65_536));
      await this.persist({ type: 'restore', meta, codecId, bytes });
      await this.machine.restore(meta, codecId, inPieces(bytes, 65_536));
    });
  }

  async close(): Promise<void> {
    await this.tail;
    await this.machine.close();
    this.codec = null;
    this.unlock();
  }

  inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.tail.then(() => {
      if (this.codec === null) throw new StorageError('closed');
      return run();
    });
    this.tail = result.catch(() => {});
    return result;
  }

  async persist(record: StateRecord): Promise<void> {
    await this.useDisk(async () => {
      await this.process.write(encodeLine(record));
      await this.process.sync();
    });
  }

  async useDisk(operation: () => Promise<void>): Promise<void> {
    if (this.hasFailed) throw new StorageError('an earlier write failed');
    try {
      await operation();
    } catch (error) {
      this.hasFailed = true;
      throw new StorageError('the journal could not be written', error);
    }
  }

  async replay(): Promise<void> {
    const { lines } = this.disk;
    for (const [position, line] of lines.entries()) {
      const record = decodeLine<StateRecord>(line);
      if (record === null) await this.process.cut(position);
      else await this.take(record);
    }
  }

  async take(record: StateRecord): Promise<void> {
    if (record.type === 'apply') await this.machine.apply(record.entries);
    else await this.machine.restore(record.meta, record.codecId, inPieces(record.bytes, 65_536));
  }

  lock(): void {
    if (this.disk.owner !== null) throw new StorageError('the journal is open already');
    this.disk.owner = this.process;
  }

  unlock(): void {
    if (this.disk.owner === this.process) this.disk.owner = null;
  }
}

function newMachine(): MemStateMachine<Map<string, number>, Put, number | null> {
  return new MemStateMachine({
    initialState: () => new Map(),
    apply: (state, { key, value }) => {
      const before = state.get(key) ?? null;
      state.set(key, value);
      return before;
    },
  });
}

/** A place for such machines that can do everything. */
export function journalStatePlace(
  Machine: new (process: PlainProcess) => JournalStateMachine,
): StateMachinePlace<Put, number | null> {
  let current: JournalStateMachine | null = null;
  const place = plainPlace((process) => {
    current = new Machine(process);
    return current;
  });
  return { ...place, readState: () => current?.machine.state };
}
