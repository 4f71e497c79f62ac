import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findDeterminismViolations } from '../../scripts/lint/determinism.ts';
import { parseSource } from '../../scripts/lint/source-files.ts';

function countViolations(path: string, text: string): number {
  return findDeterminismViolations(parseSource(path, text)).length;
}

const bannedInCore = [
  "import { readFile } from 'node:fs';",
  "import { pack } from 'msgpackr';",
  "export { pack } from 'msgpackr';",
  "const fs = import('node:fs');",
  'async function f() {}',
  'const f = async () => {};',
  'await x;',
  'for await (const x of y) {}',
  'let p: Promise<void>;',
  'setTimeout(f, 1);',
  'const t = setInterval;',
  'setImmediate(f);',
  'globalThis.setTimeout(f, 1);',
  'queueMicrotask(f);',
  'Date.now();',
  'const d = new Date(5);',
  'let d: Date;',
  'performance.now();',
  'Math.random();',
  'crypto.subtle;',
  "console.log('x');",
  'process.exit();',
  'const o = { process };',
];

const bannedInSource = [
  "import { setTimeout } from 'node:timers/promises';",
  "import { performance } from 'node:perf_hooks';",
  "import { randomUUID } from 'node:crypto';",
  "import { randomBytes as bytes } from 'node:crypto';",
  'Date.now();',
  'new Date();',
  'Date();',
  'performance.now();',
  'globalThis.performance.now();',
  'setTimeout(f, 1);',
  'setInterval(f, 1);',
  'setImmediate(f);',
  'process.hrtime.bigint();',
  'Math.random();',
  'globalThis.Math.random();',
  'crypto.randomUUID();',
  'crypto.getRandomValues(bytes);',
  'AbortSignal.timeout(5);',
];

const allowedInSource = [
  "import { createHash } from 'node:crypto';",
  'clock.setTimeout(f, 1);',
  'interface Clock { setTimeout(f: () => void, ms: number): void; performance: number }',
  'const o = { setTimeout: 1 };',
  'new Date(nowMs).toISOString();',
  'async function f(): Promise<void> { await g(); }',
  'Math.max(1, 2);',
];

describe('findDeterminismViolations', () => {
  for (const text of bannedInCore) {
    test(`bans in core: ${text}`, () => assert.equal(countViolations('src/core/a.ts', text) >= 1, true));
  }

  for (const text of bannedInSource) {
    test(`bans outside core: ${text}`, () => {
      assert.equal(countViolations('src/runtime/a.ts', text) >= 1, true);
      assert.equal(countViolations('src/system/a.ts', text), 0);
    });
  }

  for (const text of allowedInSource) {
    test(`allows outside core: ${text}`, () => assert.equal(countViolations('src/runtime/a.ts', text), 0));
  }

  test('bans using, which Node.js 22 does not know, in sources and tests', () => {
    const text = 'async function f() { await using a = b; using c = d; }';
    assert.equal(countViolations('src/system/a.ts', text), 2);
    assert.equal(countViolations('test/a.test.ts', text), 2);
    assert.equal(countViolations('test/a.test.ts', 'const a = 1; let b = 2; var c = 3;'), 0);
  });

  test('says where and what to do instead', () => {
    const source = parseSource('src/runtime/a.ts', '/** Doc. */\nfunction f() {\n  return Date.now();\n}\n');
    assert.deepEqual(findDeterminismViolations(source), [
      {
        path: 'src/runtime/a.ts',
        line: 3,
        message: 'Date.now: time comes from the clock port, or into core as nowMs',
      },
    ]);
  });
});
