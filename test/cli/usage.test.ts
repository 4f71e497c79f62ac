import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCli } from '../../src/cli/run-cli.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { runProgram } from './program.ts';

/** The words, and what is said about them. */
const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /a command is missing/],
  ['bogus', /no command 'bogus'/],
  ['inspect', /the directory or backup to inspect is missing/],
  ['inspect a b', /'b' is one word too many/],
  ['inspect a --unknown', /Unknown option '--unknown'/],
  ['inspect a --from', /--from/],
  ['inspect a --from x', /--from must be a whole number of at least 1, not 'x'/],
  ['inspect a --from 0', /--from must be a whole number of at least 1/],
  ['inspect a --limit 1e3', /--limit must be a whole number/],
  ['verify', /is missing/],
  ['backup a', /--to is missing: the file to write/],
  ['backup --to b', /the directory to back up is missing/],
  ['backup --verify a --to b', /--verify goes with no other option/],
  ['restore a', /--to is missing/],
  ['restore a --to b', /--node-id is missing/],
  ['restore a --to b --node-id 0 --address c:1', /--node-id must be a whole number of at least 1/],
  ['restore a --to b --node-id 1', /--address is missing/],
  ['restore a --to b --node-id 1 --address=', /--address must be a text without white space/],
  ['restore a --to b --node-id 1 --address c:1 --cluster-name=', /--cluster-name must not be empty/],
  ['recover-quorum a', /--node-id is missing: the id of the survivor/],
  ['recover-quorum a --node-id 1', /nobody is there to be asked/],
];

describe('a command line that makes no sense', () => {
  for (const [words, message] of WRONG) {
    test(`is refused: '${words}'`, async () => {
      const terminal = fakeTerminal();
      const signal = new AbortController().signal;
      const code = await runCli(words === '' ? [] : words.split(' '), { terminal, signal });
      assert.deepEqual([code, terminal.output()], [64, '']);
      assert.match(terminal.errors(), message);
      assert.match(terminal.errors(), /--help/);
    });
  }

  test('ends the process with 64', async () => {
    assert.equal((await runProgram(['inspect'])).code, 64);
    assert.equal((await runProgram([])).code, 64);
  });
});

describe('errors', () => {
  test('go to stderr, with cause and cure, and the exit code is 1', async () => {
    const { code, stdout, stderr } = await runProgram(['verify', '/nowhere/at/all']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^zlayer-consensus verify: \/nowhere\/at\/all does not exist: name a directory/);
  });

  test('are JSON too, when that was asked for', async () => {
    const { code, stdout } = await runProgram(['inspect', '/nowhere', '--json']);
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code], [1, 'STORAGE']);
    assert.match(error.message, /does not exist/);
  });
});
