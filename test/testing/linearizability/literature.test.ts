/** Histories that the literature discusses, written from their descriptions, and what it says about them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { perKey } from '../../../src/testing/linearizability/model.ts';
import { casRegisterModel } from '../../../src/testing/linearizability/models/cas-register.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import { keyValueModel } from '../../../src/testing/linearizability/models/key-value.ts';
import { lockModel } from '../../../src/testing/linearizability/models/lock.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { appendModel } from './append-model.ts';
import { isLinearizable } from './brute-force.ts';
import { ask, done, failed, unknown } from './operations.ts';
import { queueModel } from './queue-model.ts';

type Verdict = 'linearizable' | 'violation';

/** The table's verdict, the checker's and that of trying every order must be the same. */
function says<Input, Output, State>(
  verdict: Verdict,
  name: string,
  model: Model<Input, Output, State>,
  operations: readonly Operation<Input, Output>[],
): void {
  test(`${verdict}: ${name}`, () => {
    assert.equal(checkLinearizability(operations, model).verdict, verdict);
    const groups = model.partition?.(operations) ?? [{ operations }];
    const isOrdered = groups.every((group) => isLinearizable(group.operations, model));
    assert.equal(isOrdered ? 'linearizable' : 'violation', verdict);
  });
}

const enqueue = (value: string, queue = 'q') => ({ type: 'enqueue' as const, value, queue });
const dequeue = (queue = 'q') => ({ type: 'dequeue' as const, queue });
const read = { type: 'read' as const };
const write = (value: number) => ({ type: 'write' as const, value });
const cas = (from: number | null, to: number) => ({ type: 'cas' as const, from, to });
const put = (key: string, value: number) => ({ type: 'put' as const, key, value });
const get = (key: string) => ({ type: 'get' as const, key });
const change = (type: 'put' | 'append', value: string) => ({ type, key: 'x', value });
const list = (prefix: string) => ({ type: 'list' as const, prefix });
const add = { type: 'add' as const, amount: 1 };
const total = { type: 'get' as const };

describe('Herlihy and Wing 1990, queues', () => {
  const queue = queueModel();
  says('linearizable', 'H1, two enqueues overlap and are dequeued in either order', queue, [
    done(ask('A', enqueue('x')), null, [1, 4]),
    done(ask('B', enqueue('y')), null, [2, 3]),
    done(ask('B', dequeue()), 'x', [5, 6]),
    done(ask('A', dequeue()), 'y', [7, 8]),
    unknown(ask('A', enqueue('z')), 9),
  ]);
  says('violation', 'H2, the second of two enqueues comes out first', queue, [
    done(ask('A', enqueue('x')), null, [1, 2]),
    done(ask('B', enqueue('y')), null, [3, 5]),
    done(ask('A', dequeue()), 'y', [4, 6]),
  ]);
  says('linearizable', 'H3, an enqueue that has not returned is dequeued', queue, [
    unknown(ask('A', enqueue('x')), 1),
    done(ask('B', dequeue()), 'x', [2, 3]),
  ]);
  says('violation', 'H4, one element is dequeued twice', queue, [
    done(ask('A', enqueue('x')), null, [1, 3]),
    done(ask('B', enqueue('y')), null, [2, 4]),
    done(ask('A', dequeue()), 'y', [5, 7]),
    done(ask('C', dequeue()), 'y', [6, 8]),
  ]);
  says(
    'violation',
    'two queues, each with an order of its own, but not in real time',
    perKey(queue, (i) => i.queue ?? ''),
    [
      done(ask('A', enqueue('x', 'p')), null, [1, 2]),
      done(ask('B', enqueue('y', 'q')), null, [3, 4]),
      done(ask('A', enqueue('x', 'q')), null, [5, 6]),
      done(ask('B', enqueue('y', 'p')), null, [7, 8]),
      done(ask('A', dequeue('p')), 'y', [9, 10]),
      done(ask('B', dequeue('q')), 'x', [11, 12]),
    ],
  );
});

describe('Herlihy and Wing 1990, registers', () => {
  says('linearizable', 'a read sees a write that overlaps it, or not', registerModel(0), [
    done(ask('A', write(1)), null, [1, 10]),
    done(ask('B', read), 0, [2, 3]),
    done(ask('C', read), 1, [4, 5]),
  ]);
  says('violation', 'a write is seen, and then no longer seen', registerModel(0), [
    done(ask('A', write(1)), null, [1, 10]),
    done(ask('B', read), 1, [2, 3]),
    done(ask('C', read), 0, [4, 5]),
  ]);
});

describe('Lowe 2017, long operations', () => {
  const long = done(ask('A', write(1)), null, [0, 100]);
  const others = [2, 3, 4, 5].map((value) => done(ask('B', write(value)), null, [value * 10, value * 10 + 5]));
  says('linearizable', 'an operation that lasts may take effect between any of the others', registerModel(0), [
    long,
    ...others,
    done(ask('C', read), 3, [36, 38]),
    done(ask('C', read), 1, [46, 48]),
    done(ask('C', read), 5, [56, 58]),
  ]);
  says('violation', 'but only once', registerModel(0), [
    long,
    ...others,
    done(ask('C', read), 1, [26, 28]),
    done(ask('C', read), 1, [46, 48]),
  ]);
});

describe('Knossos and Jepsen', () => {
  says('violation', 'a stale read from a deposed leader', casRegisterModel(), [
    done(ask(1, write(1)), null, [0, 5]),
    done(ask(2, cas(1, 2)), true, [6, 12]),
    done(ask(3, read), 1, [13, 15]),
  ]);
  says('linearizable', 'the same read while the new value is being written', casRegisterModel(), [
    done(ask(1, write(1)), null, [0, 5]),
    done(ask(2, cas(1, 2)), true, [6, 14]),
    done(ask(3, read), 1, [13, 15]),
  ]);
  says('violation', 'two cas from one value both done: a lost update', casRegisterModel(0), [
    done(ask(1, cas(0, 1)), true, [0, 5]),
    done(ask(2, cas(0, 2)), true, [1, 6]),
  ]);
  says('violation', 'a cas that was refused although the value was there all the time', casRegisterModel(0), [
    done(ask(1, cas(0, 1)), false, [0, 5]),
    done(ask(2, read), 0, [6, 7]),
  ]);
  says('linearizable', 'a write that timed out is seen much later', registerModel(0), [
    unknown(ask(1, write(1)), 0),
    done(ask(2, read), 0, [5, 6]),
    done(ask(3, write(2)), null, [7, 8]),
    done(ask(2, read), 2, [9, 10]),
    done(ask(2, read), 1, [100, 101]),
  ]);
  says('violation', 'a write that timed out is seen and then vanishes', registerModel(0), [
    unknown(ask(1, write(1)), 0),
    done(ask(2, read), 1, [5, 6]),
    done(ask(2, read), 0, [7, 8]),
  ]);
  says('violation', 'a write that timed out takes effect twice', registerModel(0), [
    unknown(ask(1, write(1)), 0),
    done(ask(2, read), 1, [5, 6]),
    done(ask(3, write(2)), null, [7, 8]),
    done(ask(2, read), 1, [9, 10]),
  ]);
  says('violation', 'a write that failed for certain is seen', registerModel(0), [
    failed(ask(1, write(1)), [0, 5]),
    done(ask(2, read), 1, [6, 7]),
  ]);
  says('violation', 'a write is seen before it is asked for', registerModel(0), [
    done(ask(2, read), 1, [0, 1]),
    done(ask(1, write(1)), null, [2, 3]),
  ]);
});

describe('Porcupine', () => {
  says('linearizable', 'reads of the old and the new value during a write', registerModel(0), [
    done(ask(0, write(100)), null, [0, 100]),
    done(ask(1, read), 100, [25, 75]),
    done(ask(2, read), 0, [30, 60]),
  ]);
  says('violation', 'a read of the old value after one of the new value', registerModel(0), [
    done(ask(0, write(200)), null, [0, 100]),
    done(ask(1, read), 200, [10, 30]),
    done(ask(2, read), 0, [40, 90]),
  ]);
  const appends = [
    done(ask(0, change('put', 'a')), null, [0, 10]),
    done(ask(1, change('append', 'b')), null, [11, 20]),
    done(ask(2, change('append', 'c')), null, [12, 21]),
  ] as const;
  says('linearizable', 'appends that overlap, in one of the two orders', appendModel(), [
    ...appends,
    done(ask(3, get('x')), 'acb', [22, 23]),
    done(ask(3, get('y')), '', [24, 25]),
  ]);
  says('violation', 'the same appends seen in both orders', appendModel(), [
    ...appends,
    done(ask(3, get('x')), 'acb', [22, 23]),
    done(ask(4, get('x')), 'abc', [22, 23]),
  ]);
  says('violation', 'an append that is lost', appendModel(), [...appends, done(ask(3, get('x')), 'ab', [22, 23])]);
});

describe('anomalies of stores, counters and locks', () => {
  says('violation', 'read skew: two lists see two writes in different orders', keyValueModel(), [
    done(ask(1, put('a/1', 1)), null, [0, 10]),
    done(ask(2, put('a/2', 2)), null, [0, 10]),
    done(ask(3, list('a/')), [['a/1', 1]], [1, 9]),
    done(ask(4, list('a/')), [['a/2', 2]], [1, 9]),
  ]);
  says('linearizable', 'two lists see two writes in the same order', keyValueModel(), [
    done(ask(1, put('a/1', 1)), null, [0, 10]),
    done(ask(2, put('a/2', 2)), null, [0, 10]),
    done(ask(3, list('a/')), [['a/1', 1]], [1, 9]),
    done(
      ask(4, list('a/')),
      [
        ['a/1', 1],
        ['a/2', 2],
      ],
      [1, 9],
    ),
  ]);
  says('violation', 'a list misses a key that a get has seen', keyValueModel(), [
    unknown(ask(1, put('a/1', 1)), 0),
    done(ask(2, get('a/1')), 1, [1, 2]),
    done(ask(2, list('')), [], [3, 4]),
  ]);
  says('linearizable', 'keys are independent where no list sees them together', keyValueModel(), [
    done(ask(1, put('a', 1)), null, [0, 1]),
    done(ask(1, put('b', 1)), null, [2, 3]),
    done(ask(2, get('b')), 1, [2, 4]),
    done(ask(2, get('a')), 1, [5, 6]),
  ]);
  says('violation', 'an addition that is done twice', counterModel(), [
    done(ask(1, add), 1, [0, 5]),
    done(ask(2, total), 2, [6, 7]),
  ]);
  says('violation', 'an addition of unknown outcome that is done twice', counterModel(), [
    unknown(ask(1, add), 0),
    done(ask(2, total), 1, [1, 2]),
    done(ask(2, total), 2, [3, 4]),
  ]);
  says('violation', 'two additions that answer the same: a lost update', counterModel(), [
    done(ask(1, add), 1, [0, 5]),
    done(ask(2, add), 1, [1, 6]),
  ]);
  const acquire = (owner: string) => ({ type: 'acquire' as const, lock: 'l', owner, ttlMs: 100 });
  const granted = (token: number, timeMs: number) => ({ isDone: true, token, owner: null, timeMs });
  says('violation', 'a lock with two holders', lockModel(), [
    done(ask(1, acquire('A')), granted(1, 10), [0, 5]),
    done(ask(2, acquire('B')), granted(2, 109), [6, 9]),
  ]);
  says('linearizable', 'a lock that passes on when its lease is over', lockModel(), [
    done(ask(1, acquire('A')), granted(1, 10), [0, 5]),
    done(ask(2, acquire('B')), granted(2, 110), [6, 9]),
  ]);
  says('violation', 'a fencing token that goes back', lockModel(), [
    done(ask(1, acquire('A')), granted(7, 10), [0, 5]),
    done(ask(2, acquire('B')), granted(6, 500), [6, 9]),
  ]);
});
