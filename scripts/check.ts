/**
 * Runs every check of the project and changes nothing: `npm run check`, or only the parts named, or all but some:
 * `npm run check -- format types`, `npm run check -- --without=test`.
 */
import { spawnSync } from 'node:child_process';

/** Part names and the npm script of each, cheapest first. */
const parts: ReadonlyMap<string, string> = new Map([
  ['format', 'check:format'],
  ['layers', 'check:layers'],
  ['determinism', 'check:determinism'],
  ['size', 'check:size'],
  ['scenarios', 'coverage:scenarios'],
  ['types', 'check:types'],
  ['dead', 'check:dead'],
  ['exports', 'check:exports'],
  ['test', 'test'],
]);

const withoutOption = '--without=';
const given = process.argv.slice(2);
const without = given.filter((name) => name.startsWith(withoutOption)).map((name) => name.slice(withoutOption.length));
const named = given.filter((name) => !name.startsWith(withoutOption));
const unknown = [...named, ...without].filter((name) => !parts.has(name));
if (unknown.length > 0) {
  throw new RangeError(`no such part: ${unknown.join(', ')}; the parts are ${[...parts.keys()].join(', ')}`);
}

const failed: string[] = [];
for (const [name, script] of parts) {
  if (without.includes(name) || (named.length > 0 && !named.includes(name))) {
    continue;
  }
  const startedAtMs = performance.now();
  const { status, stdout, stderr } = spawnSync(`npm run --silent ${script}`, {
    shell: true,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${seconds.padStart(6)} s  ${name}`);
  if (status !== 0) {
    failed.push(name);
    console.log(`${stdout}${stderr}`);
  }
}

if (failed.length > 0) {
  console.log(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
