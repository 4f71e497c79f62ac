/**
 * Writes the data of every kind of store as this release writes it, for the tests of every later one:
 * `npx node scripts/make-golden.ts v2`, when a format on the disk has changed; then `npm run fix`, and
 * commit `test/golden/v2`. The directories of earlier versions stay as they are.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEALED_FORMATS } from '../src/codec/sealed-bytes.ts';
import { dataPath, expectedPath, GOLDEN_STORES } from '../test/golden/golden-stores.ts';

/** Of a running process; made anew whenever it is needed. */
const TRANSIENT = ['LOCK', 'lock.mdb'];

const [version] = process.argv.slice(2);
if (version === undefined || !/^v\d+$/.test(version)) throw new RangeError('name the version: v1, v2, ...');
const place = new URL(`../test/golden/${version}`, import.meta.url).pathname;
if (existsSync(place)) throw new Error(`${place} is there: what a release wrote must not change`);

mkdirSync(place);
writeJson(join(place, 'formats.json'), SEALED_FORMATS);
for (const store of GOLDEN_STORES) {
  const directory = dataPath(place, store);
  await store.make(directory);
  writeJson(expectedPath(place, store), await store.read(directory));
  rmSync(directory, { recursive: true });
  // Reading may leave traces.
  await store.make(directory);
  for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (TRANSIENT.some((name) => path === name || path.endsWith(`/${name}`))) rmSync(join(directory, path));
  }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
