import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeEvent } from '../../src/runtime/events.ts';
import { Events } from '../../src/runtime/events.ts';
import { watch } from '../support/fake-node.ts';
import { settle } from '../support/fake-time.ts';

const STOPPED: NodeEvent = { type: 'stopped', error: null };

function reachable(peer: number): NodeEvent {
  return { type: 'peer-reachable', peer };
}

async function collect(events: AsyncIterable<NodeEvent>): Promise<NodeEvent[]> {
  const all: NodeEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

test('subscribers get every event from then on, in order, until stopped', async () => {
  const events = new Events();
  events.emit(reachable(1));
  const early = events.iterate();
  events.emit(reachable(2));
  const late = events.iterate();
  events.emit(reachable(3));
  events.emit(STOPPED);
  assert.deepEqual(await collect(early), [reachable(2), reachable(3), STOPPED]);
  assert.deepEqual(await collect(late), [reachable(3), STOPPED]);
});

test('who waits already gets the event at once', async () => {
  const events = new Events();
  const iterator = events.iterate();
  const [first, second] = [iterator.next(), iterator.next()];
  events.emit(reachable(1));
  events.emit(STOPPED);
  assert.deepEqual(await first, { done: false, value: reachable(1) });
  assert.deepEqual(await second, { done: false, value: STOPPED });
  assert.equal((await iterator.next()).done, true);
});

test('all who wait are let go at the end', async () => {
  const events = new Events();
  const iterator = events.iterate();
  const waits = [watch(iterator.next()), watch(iterator.next())];
  events.emit(STOPPED);
  await settle();
  assert.deepEqual(
    waits.map(({ result }) => (result?.status === 'fulfilled' ? result.value.done : null)),
    [false, true],
  );
});

test('who subscribes after the end gets an end', async () => {
  const events = new Events();
  events.emit(STOPPED);
  assert.deepEqual(await collect(events.iterate()), []);
});

test('leaving the loop ends the subscription', async () => {
  const events = new Events();
  const iterator = events.iterate();
  events.emit(reachable(1));
  for await (const event of iterator) {
    assert.deepEqual(event, reachable(1));
    break;
  }
  events.emit(reachable(2));
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
});

test('a subscriber that is too slow loses the newest events, and is told exactly how many', async () => {
  const events = new Events();
  const iterator = events.iterate();
  for (let peer = 1; peer <= 1500; peer += 1) events.emit(reachable(peer));
  events.emit(STOPPED);
  const got = await collect(iterator);
  const kept = got.filter(({ type }) => type === 'peer-reachable');
  const overflow = got.find((event) => event.type === 'overflow');
  assert.ok(overflow?.type === 'overflow');
  assert.equal(kept.length + overflow.lost, 1500);
  assert.deepEqual(kept.at(-1), reachable(kept.length));
  assert.deepEqual(got.at(-1), STOPPED);
  assert.ok(got.length <= 1025);
});

test('each gap of a slow subscriber is counted by itself', async () => {
  const events = new Events();
  const iterator = events.iterate();
  for (let peer = 1; peer <= 1030; peer += 1) events.emit(reachable(peer));
  for (let read = 0; read < 500; read += 1) await iterator.next();
  for (let peer = 1031; peer <= 2000; peer += 1) events.emit(reachable(peer));
  events.emit(STOPPED);
  const got = await collect(iterator);
  const lost = got.flatMap((event) => (event.type === 'overflow' ? [event.lost] : []));
  const kept = got.filter(({ type }) => type === 'peer-reachable').length;
  assert.equal(lost.length, 2);
  assert.equal(500 + kept + lost.reduce((sum, count) => sum + count, 0), 2000);
});

test('listeners are called at once, until they leave; one that throws does not hide the event from the others', () => {
  const events = new Events();
  const seen: NodeEvent[] = [];
  events.listen(() => {
    throw new Error('mine');
  });
  const stop = events.listen((event) => seen.push(event));
  assert.throws(() => events.emit(reachable(1)), /mine/);
  stop();
  assert.throws(() => events.emit(reachable(2)), /mine/);
  assert.deepEqual(seen, [reachable(1)]);
});
