import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

test('after closing, no timer and no socket keeps a process alive', async () => {
  const script = fileURLToPath(new URL('fixtures/exits-by-itself.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script], { timeout: 20_000 });
  assert.equal(stdout, 'closed\n');
});
