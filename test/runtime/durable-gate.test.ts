import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import type { Entry } from '../../src/core/entry.ts';
import { blankEntry } from '../../src/core/entry.ts';
import { logId, NO_LOG_ID } from '../../src/core/ids.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { StateMachine } from '../../src/ports/state-machine.ts';
import { Applier } from '../../src/runtime/applier.ts';
import { DurableGate } from '../../src/runtime/durable-gate.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { SnapshotBuilder } from '../../src/runtime/snapshot-builder.ts';
import { MemLogStore, MemSnapshotStore, MemStateMachine } from '../../src/storage/memory/index.ts';
import { systemClock, systemTimers } from '../../src/system/system-ports.ts';

const ENTRIES = [1, 2, 3].map((index) => blankEntry(logId(1, index), 0));

function counting(isDurable: boolean): { machine: StateMachine<unknown, unknown>; applied: number[] } {
  const applied: number[] = [];
  const refuse = (): never => assert.fail('not part of this test');
  const machine: StateMachine<unknown, unknown> = {
    isDurable,
    open: refuse,
    applied: () => ({ lastApplied: NO_LOG_ID, lastTimeMs: 0, membership: NO_MEMBERSHIP }),
    apply(entries: readonly Entry[]) {
      applied.push(...entries.map((entry) => entry.logId.index));
      return entries.map(() => undefined);
    },
    snapshot: refuse,
    restore: refuse,
    close: refuse,
  };
  return { machine, applied };
}

function applierOf(machine: StateMachine<unknown, unknown>, durableIndex: () => number): Applier {
  const cache = new LogCache(0, 1_000_000);
  cache.append(ENTRIES);
  const onFailure = (error: unknown): void => assert.fail(String(error));
  const parts = {
    logStore: new MemLogStore(),
    cache,
    clock: systemClock,
    timers: systemTimers,
    durableIndex,
    onFailure,
  };
  return new Applier(
    { ...parts, stateMachine: machine, onResult: () => undefined, onApplied: () => undefined },
    NO_LOG_ID,
  );
}

describe('what survives a restart by itself does not get ahead of the own log', () => {
  test('a durable state applies committed entries only once they are on the own disk', () => {
    let durableIndex = 1;
    const { machine, applied } = counting(true);
    const applier = applierOf(machine, () => durableIndex);
    applier.commit(3);
    assert.deepEqual(applied, [1]);
    assert.equal(applier.isHeldBack, true);
    durableIndex = 3;
    applier.advance();
    assert.deepEqual(applied, [1, 2, 3]);
    assert.equal(applier.isHeldBack, false);
  });

  test('a state that is rebuilt at every start need not wait: a slow disk delays no answer', () => {
    const { machine, applied } = counting(false);
    const applier = applierOf(machine, () => 0);
    applier.commit(3);
    assert.deepEqual(applied, [1, 2, 3]);
    assert.equal(applier.isHeldBack, false);
  });

  test('a snapshot is published only once the own log holds what it covers', async () => {
    let durableIndex = 2;
    let asked = 0;
    const gate = new DurableGate(
      () => durableIndex,
      () => {
        asked += 1;
      },
    );
    const snapshotStore = new MemSnapshotStore();
    await snapshotStore.open();
    const stateMachine = new MemStateMachine<Map<string, number>, number, void>({
      initialState: () => new Map(),
      apply: () => undefined,
    });
    await stateMachine.open(msgpackCodec());
    await stateMachine.apply(ENTRIES);
    const waiting = Promise.withResolvers<void>();
    const builder = new SnapshotBuilder(
      {
        stateMachine: stateMachine as StateMachine<unknown, unknown>,
        snapshotStore,
        timers: systemTimers,
        random: { next: () => 0.5, uniqueId: () => 'id' },
        logsSinceLast: 0,
        whenDurable: async (index) => {
          const passing = gate.pass(index);
          waiting.resolve();
          await passing;
        },
        mayWrite: () => true,
        onBuilt: () => undefined,
        onFailed: (error) => assert.fail(String(error)),
      },
      NO_LOG_ID,
    );
    const building = builder.build();
    await waiting.promise;
    assert.deepEqual({ isAwaited: gate.isAwaited, asked }, { isAwaited: true, asked: 1 });
    gate.advance();
    assert.equal(await snapshotStore.latest(), null);
    durableIndex = 3;
    gate.advance();
    assert.deepEqual((await building)?.meta.lastLogId, logId(1, 3));
    assert.equal(gate.isAwaited, false);
  });

  test('a node that stops lets nobody wait', async () => {
    const gate = new DurableGate(
      () => 0,
      () => undefined,
    );
    const passing = gate.pass(5);
    gate.stop();
    await passing;
    assert.equal(gate.isAwaited, false);
  });
});
