import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEFAULT_CHECK_LIMITS } from '../../src/testing/index.ts';
import { findCodeBlocks, readRepositoryFile } from './markdown.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEADLINE_MS = 60_000;

const page = readRepositoryFile('docs/LINEARIZABILITY.md');
const blocks = findCodeBlocks(page);
const run = promisify(execFile);

describe('docs/LINEARIZABILITY.md', () => {
  test('has programs that print what it says', async () => {
    const programs = blocks.filter(({ language }) => language === 'ts');
    assert.equal(programs.length, 2);
    for (const program of programs) {
      const output = blocks[blocks.indexOf(program) + 1];
      assert.equal(output?.language, 'text');
      const { stdout, stderr } = await run(
        process.execPath,
        ['--conditions=zlayer-source', '--input-type=module-typescript', '--eval', program.code],
        // Inside of the repository, so that it finds the package under its own name.
        { cwd: ROOT, timeout: DEADLINE_MS },
      );
      assert.deepEqual({ stdout, stderr }, { stdout: output.code, stderr: '' });
    }
  });

  test('lists every limit', () => {
    const [, table = ''] = page.split('\n## Limits\n');
    const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].flatMap(([, name]) => name ?? []);
    assert.deepEqual(listed.slice(0, Object.keys(DEFAULT_CHECK_LIMITS).length), Object.keys(DEFAULT_CHECK_LIMITS));
  });
});
