import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../src/runtime/replies.ts';
import { Replies } from '../../src/runtime/replies.ts';

test('each answer finds its question once', () => {
  const replies = new Replies();
  const first: Reply = () => undefined;
  const second: Reply = () => undefined;
  const [firstToken, secondToken] = [replies.register(first), replies.register(second)];
  assert.ok(firstToken !== 0 && firstToken !== secondToken);
  assert.equal(replies.take(secondToken), second);
  assert.equal(replies.take(firstToken), first);
  assert.equal(replies.take(firstToken), undefined);
});

test('rule 5 questions that are never answered are forgotten, oldest first', () => {
  const replies = new Replies();
  const tokens = Array.from({ length: 16_384 + 10 }, () => replies.register(() => undefined));
  const known = tokens.map((token) => replies.take(token) !== undefined);
  assert.equal(known.indexOf(true), 10);
  assert.equal(known.filter(Boolean).length, 16_384);
});
