import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_HTTP_NETWORK, DEFAULT_RAFT_SERVICE } from '../../src/network/http/index.ts';
import { HEADERS, ROUTES } from '../../src/network/http/wire.ts';
import { findSections, readRepositoryFile } from './markdown.ts';

const text = readRepositoryFile('docs/HTTP.md');
const sections = [...findSections(text, 2), ...findSections(text, 3)];

describe('docs/HTTP.md', () => {
  test('lists every endpoint and no other', () => {
    const paths = firstColumn('Endpoints').map(([path]) => path);
    assert.deepEqual(
      paths.toSorted(),
      Object.values(ROUTES)
        .map((route) => DEFAULT_HTTP_NETWORK.prefix + route)
        .toSorted(),
    );
  });

  test('lists every header and no other', () => {
    const headers = firstColumn('Headers').map(([header]) => header);
    assert.deepEqual(headers.toSorted(), [...Object.values(HEADERS), 'authorization'].toSorted());
  });

  for (const [heading, defaults] of [
    ['HttpNetwork', DEFAULT_HTTP_NETWORK],
    ['raftService', DEFAULT_RAFT_SERVICE],
  ] as const) {
    test(`lists every option of ${heading} with its default`, () => {
      const listed = firstColumn(heading).map(([option, value]) => [option, value?.replaceAll('`', '')]);
      assert.deepEqual(
        listed,
        Object.entries(defaults).map(([option, value]) => [option, String(value)]),
      );
    });
  }
});

/** The first two cells of the rows whose first cell is code. */
function firstColumn(heading: string): readonly (readonly string[])[] {
  const section = sections.find((candidate) => candidate.heading === heading);
  return [...(section?.text ?? '').matchAll(/^\| `([^`]+)` \| ([^|]*?) \|/gm)].map((row) => row.slice(1));
}
