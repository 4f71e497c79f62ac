import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { findCodeBlocks, readRepositoryFile } from './markdown.ts';

const PROGRAM_FILE = 'examples/first-program/first-program.ts';
const DEADLINE_MS = 60_000;

const readme = readRepositoryFile('README.md');
const blocks = findCodeBlocks(readme);
const program = blocks.find(({ language }) => language === 'ts')?.code ?? '';
const output = blocks.find(({ language }) => language === 'text')?.code ?? '';
const run = promisify(execFile);

describe('the program of the README', () => {
  test('starts within the first ten lines, and is short', () => {
    assert.ok(readme.split('\n').indexOf('```ts') < 10);
    assert.ok(program.split('\n').length <= 32);
  });

  test(`is the one that is compiled as ${PROGRAM_FILE}`, () => {
    assert.equal(program, readRepositoryFile(PROGRAM_FILE));
  });

  test('runs and prints what the README says', async () => {
    const { stdout, stderr } = await run(
      process.execPath,
      ['--conditions=zlayer-source', '--input-type=module-typescript', '--eval', program],
      // Inside of the repository, so that it finds the package under its own name.
      { cwd: fileURLToPath(new URL('../../', import.meta.url)), timeout: DEADLINE_MS },
    );
    assert.deepEqual({ stdout, stderr }, { stdout: output, stderr: '' });
  });
});

describe('the README', () => {
  test('names only commands that the package has', () => {
    const commands = [...readme.matchAll(/npm (?:run )?(test|demo|bench|check|fix)\b/g)].flatMap(
      ([, name]) => name ?? [],
    );
    const scripts = Object.keys(manifest.scripts);
    assert.ok(commands.length > 0);
    assert.deepEqual(
      commands.filter((name) => !scripts.includes(name)),
      [],
    );
  });

  test('lists every entry point of the package', () => {
    const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
    const imports = entries.map((name) => name.replace(/^\./, manifest.name));
    const listed = [...readme.matchAll(/^\| `(zlayer-consensus[\w/]*)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(listed.toSorted(), imports.toSorted());
  });

  test('names the lowest Node.js that the package supports', () => {
    assert.match(
      readme,
      new RegExp(`Node\\.js ${manifest.engines.node.replace('>=', '').replace('.', '\\.')} or newer`),
    );
  });
});
