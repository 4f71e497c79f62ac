import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { findCodeBlocks, readRepositoryFile } from './markdown.ts';

const PROGRAM_FILE = 'examples/first-program/first-program.ts';
const DURABLE_FILE = 'examples/durable-program/durable-program.ts';
const DEADLINE_MS = 60_000;

const readme = readRepositoryFile('README.md');
const blocks = findCodeBlocks(readme);
const [program = '', durableProgram = ''] = blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
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
      { cwd: ROOT, timeout: DEADLINE_MS },
    );
    assert.deepEqual({ stdout, stderr }, { stdout: output, stderr: '' });
  });
});

describe('the durable program of the README', () => {
  test(`is the one that is compiled as ${DURABLE_FILE}`, () => {
    assert.equal(durableProgram, readRepositoryFile(DURABLE_FILE));
  });

  test('goes on where it was when it is killed and started again', { timeout: DEADLINE_MS }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'zlayer-readme-'));
    const port = await freePort();
    const here = durableProgram.replace('data/node-1', directory).replaceAll('9000', String(port));
    assert.equal(await firstLineThenKill(here), 'added 1 times, over all restarts');
    assert.equal(await firstLineThenKill(here), 'added 2 times, over all restarts');
    await rm(directory, { recursive: true });
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function firstLineThenKill(code: string): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--conditions=zlayer-source', '--input-type=module-typescript', '--eval', code],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => ['it ended without a word']),
  ])) as [string];
  child.kill('SIGKILL');
  await ended;
  return line;
}

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
    const listed = [...readme.matchAll(/^\| `(zlayer-consensus[\w/-]*)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(listed.toSorted(), imports.toSorted());
  });

  test('names the lowest Node.js that the package supports', () => {
    assert.match(
      readme,
      new RegExp(`Node\\.js ${manifest.engines.node.replace('>=', '').replace('.', '\\.')} or newer`),
    );
  });
});
