import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HistoryEvent } from '../../../src/testing/linearizability/history.ts';
import {
  formatEvent,
  formatHistory,
  operationsOf,
  parseHistory,
} from '../../../src/testing/linearizability/history.ts';
import { HistoryRecorder } from '../../../src/testing/linearizability/history-recorder.ts';

const invoke = (id: number, at: number): HistoryEvent<string, string> => {
  return { type: 'invoke', id, at, process: `p${id}`, input: `asked ${id}` };
};

describe('the recorder of histories', () => {
  test('joins calls with what came of them', () => {
    let now = 100;
    const recorder = new HistoryRecorder<string, string>({ now: () => now });
    const first = recorder.invoke('a', 'one');
    now = 105;
    const second = recorder.invoke('b', 'two');
    const third = recorder.invoke('c', 'three');
    recorder.invoke('d', 'four');
    now = 110;
    first.ok('done');
    second.fail();
    third.unknown();
    const call = { process: 'a', input: 'one', callAt: 100 };
    const [ok, failed, unknown, open] = recorder.operations();
    assert.deepEqual(ok, { ...call, type: 'ok', output: 'done', returnAt: 110 });
    assert.deepEqual([failed?.type, unknown?.type, open?.type], ['failed', 'unknown', 'unknown']);
    assert.deepEqual([failed?.process, unknown?.input, open?.process], ['b', 'three', 'd']);
  });

  test('gives every event a later time, also when the clock stands still or goes back', () => {
    let now = 7;
    const recorder = new HistoryRecorder<string, string>({ now: () => now });
    const operations = [1, 2, 3].map((n) => recorder.invoke(n, 'x'));
    now = 6;
    for (const operation of operations) operation.ok('y');
    const times = recorder.events.map(({ at }) => at);
    assert.ok(times.every((at, index) => index === 0 || at > (times[index - 1] ?? 0)));
    assert.ok(times.every((at) => at >= 7 && at < 7.1));
  });

  test('numbers events when it has no clock', () => {
    const recorder = new HistoryRecorder<string, string>();
    recorder.invoke(1, 'x').ok('y');
    recorder.invoke(1, 'x').ok('y');
    assert.deepEqual(
      recorder.events.map(({ at }) => at),
      [0, 1, 2, 3],
    );
  });

  test('does not let an operation end twice', () => {
    const recorder = new HistoryRecorder<string, string>();
    const operation = recorder.invoke('a', 'x');
    operation.unknown();
    assert.throws(() => operation.ok('y'), {
      name: 'TypeError',
      message: /operation 0 of process a has already ended/,
    });
    assert.equal(recorder.events.length, 2);
  });

  test('hands on each event at once, as lines that hold the same history', () => {
    const lines: string[] = [];
    const recorder = new HistoryRecorder<string, string>({ onEvent: (event) => lines.push(`${formatEvent(event)}\n`) });
    recorder.invoke('a', 'line\nbreak').ok('"quoted"');
    recorder.invoke('b', 'x').fail();
    recorder.invoke('c', 'x');
    assert.equal(lines.join(''), recorder.toJsonLines());
    assert.equal(lines.length, 5);
    assert.deepEqual(operationsOf(parseHistory(lines.join(''))), recorder.operations());
  });
});

describe('histories as text', () => {
  const events: readonly HistoryEvent<string, string>[] = [
    invoke(0, 1),
    invoke(1, 2),
    { type: 'ok', id: 0, at: 3, output: 'y' },
    { type: 'unknown', id: 1, at: 4 },
  ];

  test('are read as they were written', () => {
    assert.deepEqual(parseHistory(formatHistory(events)), events);
    assert.deepEqual(parseHistory(''), []);
  });

  test('may lack the end of the last line, as when the recorder was killed', () => {
    const text = formatHistory(events);
    for (let length = text.length - 1; length > text.length - 20; length -= 1) {
      assert.deepEqual(parseHistory(text.slice(0, length)), events.slice(0, 3));
    }
  });

  test('are refused with the number of the first bad line', () => {
    const bad = ['nonsense', '{}', '[]', 'null', '{"type":"ok","id":"1","at":1}', '{"type":"invoke","id":1,"at":2}'];
    for (const line of bad) {
      assert.throws(() => parseHistory(`${formatEvent(invoke(0, 1))}\n${line}\n`), {
        name: 'SyntaxError',
        message: /line 2 of the history is not an event/,
      });
    }
  });

  test('are refused when calls and ends do not belong together', () => {
    const end = { type: 'ok' as const, id: 0, at: 5, output: 'y' };
    assert.throws(() => operationsOf([end]), /operation 0 was never called/);
    assert.throws(() => operationsOf([invoke(0, 1), end, end]), /operation 0 ends twice/);
    assert.throws(() => operationsOf([invoke(0, 1), invoke(0, 2)]), /operation 0 is called twice/);
  });
});
