import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { commandHelp, programHelp } from '../../src/cli/help.ts';
import { COMMANDS } from '../../src/cli/run-cli.ts';
import { findCodeBlocks, findSections, readRepositoryFile } from '../docs/markdown.ts';
import { runProgram } from './program.ts';

const document = readRepositoryFile('docs/CLI.md');

describe('docs/CLI.md', () => {
  test('has the help of the program and of every command, in order', () => {
    const shown = findCodeBlocks(document).filter(({ code }) => code.startsWith('Usage: '));
    assert.deepEqual(
      shown.map(({ code }) => code),
      [programHelp(COMMANDS), ...COMMANDS.map(commandHelp)],
    );
  });

  test('has a section for every command', () => {
    const headings = findSections(document, 2).map(({ heading }) => heading);
    assert.deepEqual(
      COMMANDS.map(({ name }) => name).filter((name) => !headings.includes(name)),
      [],
    );
  });

  test('shows inspections and recoveries as they are printed', () => {
    const shown = findCodeBlocks(document).map(({ code }) => code);
    const inspection = shown.find((code) => code.includes('Members since')) ?? '';
    for (const part of ['  cluster  ', '\nLog: ', '  committed  ', '\nSnapshots\n', '\nEntries ']) {
      assert.ok(inspection.includes(part), part);
    }
    const recovery = shown.find((code) => code.startsWith('Would make node')) ?? '';
    for (const part of ['- Lost: ', '- Brought back: ', '- Shut out: ', '- Changed ', '- Next: ']) {
      assert.ok(recovery.includes(part), part);
    }
  });
});

describe('--help', () => {
  for (const command of COMMANDS) {
    test(`of ${command.name} explains every option within 100 columns`, async () => {
      const { code, stdout, stderr } = await runProgram([command.name, '--help']);
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: commandHelp(command), stderr: '' });
      for (const { name, text } of command.options) assert.match(stdout, new RegExp(`--${name} .*${text.slice(0, 9)}`));
      assert.ok(stdout.split('\n').every((line) => line.length <= 100));
    });
  }

  test('is the same in all its forms', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, stdout } = await runProgram(args);
      assert.deepEqual([code, stdout], [0, programHelp(COMMANDS)]);
    }
    assert.equal((await runProgram(['help', 'verify'])).stdout, (await runProgram(['verify', '-h'])).stdout);
  });
});

test('--version is that of the package', async () => {
  const { code, stdout } = await runProgram(['--version']);
  assert.deepEqual([code, stdout], [0, `${manifest.version}\n`]);
});

test('the package installs the program under its name', () => {
  assert.deepEqual(manifest.bin, { 'zlayer-consensus': './dist/cli/main.js' });
  assert.ok(readRepositoryFile('src/cli/main.ts').startsWith('#!/usr/bin/env node\n'));
});
