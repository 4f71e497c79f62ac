/** Runs every script of this folder; `UPDATE_SCRIPTS=1` records their output anew instead of comparing it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatScript, parseScript } from './script-file.ts';
import { ScriptRunner } from './script-runner.ts';

const isRecording = process.env['UPDATE_SCRIPTS'] === '1';
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

/** The script with the output that it has now. */
function rerun(text: string): string {
  const runner = new ScriptRunner();
  const blocks = parseScript(text).map((block) => ({
    ...block,
    output: block.commands.flatMap((command) => runner.run(command)),
  }));
  return formatScript(blocks);
}

for (const file of files) {
  test(`${file} does what it says`, () => {
    const url = new URL(file, import.meta.url);
    const recorded = readFileSync(url, 'utf8');
    const now = rerun(recorded);
    if (isRecording) writeFileSync(url, now);
    else assert.equal(now, recorded);
    assert.ok(now.includes('----\n'), 'a script without a command shows nothing');
  });
}

test('a script whose recorded output is wrong is noticed', () => {
  const script = 'cluster 1 2 3\nelect 1\n----\n1 is leader, term 1\n';
  assert.equal(rerun(script), 'cluster 1 2 3\nelect 1\n----\n1 is pre-candidate, term 0\n');
});

test('a command that does not exist is refused', () => {
  assert.throws(() => new ScriptRunner().run('explode 1'), /unknown command: explode 1/);
});
