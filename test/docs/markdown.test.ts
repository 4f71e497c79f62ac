import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { findAnchors, findCodeBlocks, findLinks, findSections, readDocuments, readRepositoryFile } from './markdown.ts';

const LINE_WIDTH = 120;
const root = new URL('../../', import.meta.url);

/** Paths of this repository as they are written in prose: `src/core`, `examples/kv/demo.ts`. */
const PATH_PATTERN = /`((?:src|test|docs|examples|scripts|bench)\/[\w./-]*)`/g;

describe('the documents', () => {
  for (const { path, text } of readDocuments()) {
    test(`${path} has links that lead somewhere`, () => {
      const broken = findLinks(text).filter((link) => !leadsSomewhere(path, link));
      assert.deepEqual(broken, []);
    });

    test(`${path} names only files that exist`, () => {
      const named = [...text.matchAll(PATH_PATTERN)].flatMap(([, name]) => name ?? []);
      const missing = named.filter((name) => !existsSync(new URL(name, root)));
      assert.deepEqual(missing, []);
    });

    test(`${path} has lines of at most ${LINE_WIDTH} characters and no trailing blanks`, () => {
      const lines = text.split('\n');
      const bad = lines.filter((line) => line.length > LINE_WIDTH || /\s$/.test(line));
      assert.deepEqual(bad, []);
    });

    test(`${path} has code blocks of a language`, () => {
      const blocks = findCodeBlocks(text);
      assert.deepEqual(
        blocks.filter(({ language }) => language === ''),
        [],
      );
    });
  }

  test('are all linked from the README', () => {
    const links = findLinks(readRepositoryFile('README.md'));
    const paths = readDocuments().map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => path !== 'README.md' && !links.includes(path)),
      [],
    );
  });
});

describe('the reader of documents', () => {
  const text =
    '# Title\n\nA [link](a.md#b) and `[code](no.md)`.\n\n## One `two`\n\n```ts\n# no [heading](no.md)\n```\n';

  test('finds links outside of code only', () => {
    assert.deepEqual(findLinks(text), ['a.md#b']);
  });

  test('finds headings, their anchors and what stands under them', () => {
    assert.deepEqual([...findAnchors(text)], ['title', 'one-two']);
    assert.deepEqual(findSections('# A\n## B\nb\n### C\nc\n## D\n', 2), [
      { heading: 'B', text: 'b\n' },
      { heading: 'D', text: '' },
    ]);
  });

  test('finds code blocks with their language and line', () => {
    assert.deepEqual(findCodeBlocks(text), [{ language: 'ts', code: '# no [heading](no.md)\n', line: 7 }]);
  });

  test('refuses a code block without an end', () => {
    assert.throws(() => findCodeBlocks('```ts\n'), /line 1 has no end/);
  });
});

function leadsSomewhere(from: string, link: string): boolean {
  if (/^https?:/.test(link)) return true;
  const [target = '', anchor] = link.split('#');
  const url = target === '' ? new URL(from, root) : new URL(target, new URL(from, root));
  if (!existsSync(url)) return false;
  if (anchor === undefined) return true;
  return findAnchors(readRepositoryFile(url.pathname.slice(root.pathname.length))).has(anchor);
}
