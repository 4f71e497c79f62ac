import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { logStoreSuite } from 'zlayer-consensus/testing';
// The test that the page shows: it runs the suite on the store of the page.
import '../../examples/own-store/own-log-store.test.ts';
import { OwnStorePlace } from '../../examples/own-store/own-store-place.ts';
import { findCodeBlocks, readRepositoryFile } from './markdown.ts';

const FILES = ['log-lines.ts', 'own-log-store.ts', 'own-store-place.ts', 'own-log-store.test.ts'];

const create = () => new OwnStorePlace();
const page = readRepositoryFile('docs/STORES.md');

describe('docs/STORES.md', () => {
  test('shows all of the store that is compiled and tested, in order', () => {
    const shown = findCodeBlocks(page).flatMap(({ language, code }) => (language === 'typescript' ? code : []));
    const source = FILES.map((name) => readRepositoryFile(`examples/own-store/${name}`));
    assert.deepEqual(linesOf(shown), linesOf(source));
  });

  test('lists every capability', () => {
    const { notCovered } = logStoreSuite({ create, persistent: true });
    const listed = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].flatMap(([, name]) => name ?? []);
    assert.deepEqual(listed, ['crash', 'crash-points', 'faults', 'damage', 'lock']);
    for (const { reason } of notCovered) {
      assert.ok(
        listed.some((name) => reason.includes(`'${name}'`)),
        reason,
      );
    }
  });

  test('says what of its store nobody has checked', () => {
    const capabilities = ['crash', 'damage', 'lock'] as const;
    assert.ok(page.includes(`capabilities: [${capabilities.map((name) => `'${name}'`).join(', ')}]`));
    const { notCovered } = logStoreSuite({ create, persistent: true, capabilities });
    const missing = new Set(notCovered.map(({ reason }) => /no '([a-z-]+)'/.exec(reason)?.[1]));
    assert.deepEqual([...missing], ['crash-points', 'faults']);
    assert.match(page, /`crash-points` and `faults` need a disk/);
  });
});

/** The lines of several texts, without empty ones. */
function linesOf(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
}
