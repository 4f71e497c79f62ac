import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileLinesMax, findSizeViolations, functionLinesMax } from '../../scripts/lint/file-size.ts';
import { parseSource } from '../../scripts/lint/source-files.ts';

function functionOf(lines: number): string {
  return `/** Doc. */\nfunction f() {\n${'  g();\n'.repeat(lines - 2)}}\n`;
}

function findMessages(text: string, ratchet: Record<string, number> = {}): readonly string[] {
  return findSizeViolations(parseSource('src/a.ts', text), ratchet).map(({ message }) => message);
}

describe('findSizeViolations', () => {
  test('accepts a file of the greatest allowed length and refuses a longer one', () => {
    assert.deepEqual(findMessages('a();\n'.repeat(fileLinesMax)), []);
    assert.deepEqual(findMessages('a();\n'.repeat(fileLinesMax + 1)), [
      'has 401 lines, at most 400 are allowed: split it',
    ]);
  });

  test('accepts a function of the greatest allowed length and refuses a longer one', () => {
    assert.deepEqual(findMessages(functionOf(functionLinesMax)), []);
    assert.deepEqual(findMessages(functionOf(functionLinesMax + 1)), ['f has 61 lines, at most 60 are allowed']);
  });

  test('lets a listed function keep its length but not grow', () => {
    assert.deepEqual(findMessages(functionOf(70), { 'src/a.ts#f': 70 }), []);
    assert.deepEqual(findMessages(functionOf(71), { 'src/a.ts#f': 70 }), ['f has 71 lines, at most 70 are allowed']);
  });

  test('asks to tighten an entry once its function is shorter', () => {
    assert.deepEqual(findMessages(functionOf(65), { 'src/a.ts#f': 70 }), [
      'src/a.ts#f is shorter now: lower its entry to 65 in the ratchet',
    ]);
    assert.deepEqual(findMessages(functionOf(10), { 'src/a.ts#f': 70 }), [
      'src/a.ts#f is shorter now: remove its entry from the ratchet',
    ]);
  });

  test('does not count a group of tests as one function', () => {
    assert.deepEqual(findMessages(`describe('a', () => {\n${'  t();\n'.repeat(100)}});\n`), []);
    assert.equal(findMessages(`test('a', () => {\n${'  t();\n'.repeat(100)}});\n`).length, 1);
  });
});
