import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { SEALED_FORMATS } from '../../src/codec/sealed-bytes.ts';
import { openTables } from '../storage/lmdb/lmdb-place.ts';
import { dataPath, expectedPath, GOLDEN_STORES } from './golden-stores.ts';

const PLACE = new URL('.', import.meta.url).pathname;
const VERSIONS = readdirSync(PLACE)
  .filter((name) => /^v\d+$/.test(name))
  .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
const BYTES_MAX = 100_000;

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** All bytes for which the library answers: what LMDB keeps around its records may differ from one machine to the next. */
async function storedBytes(directory: string): Promise<ReadonlyMap<string, string>> {
  const stored = new Map<string, string>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    if (/\.(snapshot|unfinished)$|FORMAT$/.test(name)) stored.set(name, readFileSync(path).toString('base64'));
    if (!name.endsWith('log/data.mdb')) continue;
    const { root, groups, records } = openTables(dirname(path));
    for (const { key, value } of groups.getRange())
      stored.set(`group ${key.toString('hex')}`, value.toString('base64'));
    for (const { key, value } of records.getRange()) stored.set(`record ${key}`, value.toString('base64'));
    await root.close();
  }
  return stored;
}

/** Reading may change the files. */
function copyOf(t: TestContext, path: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-golden-'));
  t.after(() => rmSync(directory, { recursive: true }));
  cpSync(path, directory, { recursive: true });
  return directory;
}

for (const version of VERSIONS) {
  describe(`data on the disk of format ${version}`, () => {
    const place = join(PLACE, version);
    for (const store of GOLDEN_STORES.filter((each) => existsSync(dataPath(place, each)))) {
      test(`${store.name} holds what was written`, async (t) => {
        assert.deepEqual(await store.read(copyOf(t, dataPath(place, store))), readJson(expectedPath(place, store)));
      });
    }

    test('every directory is read', () => {
      const kinds = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const names = GOLDEN_STORES.map(({ name }) => name);
      assert.ok(kinds.length > 0);
      for (const { name } of kinds) assert.ok(names.includes(name), `nothing reads ${name}`);
    });
  });
}

test('the newest of these directories is of the present formats: else make the next one with scripts/make-golden.ts', () => {
  assert.deepEqual(readJson(join(PLACE, VERSIONS.at(-1) ?? '', 'formats.json')), SEALED_FORMATS);
  for (const store of GOLDEN_STORES) {
    assert.ok(existsSync(dataPath(join(PLACE, VERSIONS.at(-1) ?? ''), store)), `${store.name} is missing`);
  }
});

describe('what is written today', () => {
  const newest = join(PLACE, VERSIONS.at(-1) ?? '');

  for (const store of GOLDEN_STORES) {
    test(`${store.name} is what the newest of these directories holds: else its format has changed`, async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'zlayer-golden-'));
      t.after(() => rmSync(directory, { recursive: true }));
      await store.make(directory);
      const golden = copyOf(t, dataPath(newest, store));
      assert.deepEqual(await storedBytes(directory), await storedBytes(golden));
      assert.deepEqual(await store.read(directory), readJson(expectedPath(newest, store)));
    });
  }
});

test('the data of a version takes little room', () => {
  for (const version of VERSIONS) {
    const files = readdirSync(join(PLACE, version), { recursive: true, withFileTypes: true });
    const data = files.filter((file) => file.isFile() && !file.name.endsWith('.json'));
    const sizes = data.map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(total > 0 && total <= BYTES_MAX, `${version} takes ${total} bytes`);
  }
});
