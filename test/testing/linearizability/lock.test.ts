/** The lock model keeps what is possible after unknown outcomes in one state. Here it meets one that tries each case. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { LockInput, LockOutput } from '../../../src/testing/linearizability/models/lock.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import type { Follow } from './brute-force.ts';
import { hasOrder } from './brute-force.ts';
import { locks } from './objects.ts';
import { histories } from './random-histories.ts';

/** Beyond all times and tokens in the random histories. */
const TIME_MAX = 13;
const TOKEN_MAX = 6;

interface Lock {
  readonly holder: { readonly owner: string; readonly token: number; readonly endMs: number } | null;
  readonly token: number;
  readonly timeMs: number;
}

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** What a lock does at a known time; `token` is the one that a grant gives out. */
function apply(lock: Lock, input: LockInput, { timeMs, token }: { readonly timeMs: number; readonly token: number }) {
  const held = lock.holder !== null && lock.holder.endMs > timeMs ? lock.holder : null;
  const now = { ...lock, timeMs };
  const refused = { lock: now, output: { isDone: false, token: null, owner: null, timeMs } };
  if (input.type === 'holder') {
    if (held === null) return refused;
    return { lock: now, output: { isDone: true, token: held.token, owner: held.owner, timeMs } };
  }
  if (input.type === 'acquire') {
    if (held !== null) return refused;
    const holder = { owner: input.owner, token, endMs: timeMs + (input.ttlMs ?? Number.POSITIVE_INFINITY) };
    return { lock: { holder, token, timeMs }, output: { isDone: true, token, owner: null, timeMs } };
  }
  if (held === null || held.owner !== input.owner || held.token !== input.token) return refused;
  const holder = input.type === 'release' ? null : { ...held, endMs: timeMs + input.ttlMs };
  return { lock: { ...now, holder }, output: { isDone: true, token: null, owner: null, timeMs } };
}

/** Every time and every token that an operation of unknown outcome may have had. */
const follow: Follow<LockInput, LockOutput, Lock> = (lock, { input }, output) => {
  const times = output === undefined ? numbers(lock.timeMs, TIME_MAX) : [output.timeMs];
  const isToldToken = output?.isDone === true && output.token !== null;
  const tokens = isToldToken ? [output.token ?? 0] : numbers(lock.token + 1, TOKEN_MAX);
  return times.flatMap((timeMs) =>
    tokens.flatMap((token) => {
      if (timeMs < lock.timeMs || (input.type === 'acquire' && token <= lock.token)) return [];
      const result = apply(lock, input, { timeMs, token });
      return output === undefined || isSame(result.output, output, input) ? [result.lock] : [];
    }),
  );
};

/** As far as the model looks at an answer. */
function isSame(actual: LockOutput, told: LockOutput, input: LockInput): boolean {
  if (actual.isDone !== told.isDone) return false;
  if (!told.isDone || input.type === 'renew' || input.type === 'release') return true;
  return actual.token === told.token && (input.type === 'acquire' || actual.owner === told.owner);
}

/** An unknown token, and somebody who was told that theirs is wrong: there the model believes it. */
function isBelieved(operations: readonly Operation<LockInput, LockOutput>[]): boolean {
  const isUnknownGrant = operations.some(({ type, input }) => type === 'unknown' && input.type === 'acquire');
  const isRefusal = operations.some(
    (operation) =>
      operation.type === 'ok' &&
      !operation.output.isDone &&
      (operation.input.type === 'renew' || operation.input.type === 'release'),
  );
  return isUnknownGrant && isRefusal;
}

describe('the lock model', () => {
  test('agrees with trying every time and token of unknown outcomes', () => {
    const seen = { linearizable: 0, violation: 0, undecided: 0 };
    fc.assert(
      fc.property(histories({ ...locks, maxOperations: 5 }), (operations) => {
        const { verdict } = checkLinearizability(operations, lockModel());
        seen[verdict] += 1;
        const isPossible = hasOrder(operations, { holder: null, token: 0, timeMs: 0 }, follow);
        if (isPossible || !isBelieved(operations)) {
          assert.equal(verdict, isPossible ? 'linearizable' : 'violation');
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(seen.linearizable > 200 && seen.violation > 200, JSON.stringify(seen));
  });

  test('says how long an unknown lease may last', () => {
    const model = lockModel();
    const acquire = { type: 'acquire', lock: 'l', owner: 'A', ttlMs: 10 } as const;
    const taken = model.step(model.initial(), acquire, undefined);
    assert.ok(taken.ok);
    assert.equal(model.describeState(taken.state), 'A #≥1 until 10 to ∞ @0');
    const holder = { type: 'holder', lock: 'l' } as const;
    const seen = model.step(taken.state, holder, { isDone: true, owner: 'A', token: 3, timeMs: 20 });
    assert.ok(seen.ok);
    assert.equal(model.describeState(seen.state), 'A #3 until 21 to 30 @20');
  });
});
