import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_CODES } from '../../src/errors.ts';
import { DEFAULT_CONFIG } from '../../src/runtime/config.ts';
import { findSections, readRepositoryFile } from './markdown.ts';

describe('docs/ERRORS.md', () => {
  const sections = findSections(readRepositoryFile('docs/ERRORS.md'), 2);

  test('documents every error code, each once, and no other', () => {
    const documented = sections.map(({ heading }) => heading);
    assert.deepEqual(documented.toSorted(), Object.keys(ERROR_CODES).toSorted());
  });

  for (const { heading, text } of sections) {
    test(`says of ${heading} what it means, whether it was applied and what to do`, () => {
      const retry = /^- Retry: `(\w+)`\./m.exec(text)?.[1];
      assert.equal(retry, new Map<string, string>(Object.entries(ERROR_CODES)).get(heading));
      assert.deepEqual(
        [...text.matchAll(/^- (\w+):/gm)].map(([, label]) => label),
        ['Retry', 'Means', 'Applied', 'Do'],
      );
    });
  }

  test('names only error classes that exist', async () => {
    const errors = new Map<string, unknown>(Object.entries(await import('../../src/errors.ts')));
    for (const { heading, text } of sections) {
      const name = /Class: `(\w+)`/.exec(text)?.[1] ?? '';
      assert.equal(typeof errors.get(name), 'function', `${heading}: ${name}`);
    }
  });
});

describe('docs/INVARIANTS.md', () => {
  const sections = findSections(readRepositoryFile('docs/INVARIANTS.md'), 2).filter(({ heading }) =>
    /^I\d+$/.test(heading),
  );
  const declaration = /type InvariantId = (.+);/.exec(readRepositoryFile('src/core/invariants.ts'))?.[1] ?? '';
  const ids = [...declaration.matchAll(/'(I\d+)'/g)].map(([, id]) => id);

  test('explains every invariant, in order, and no other', () => {
    assert.ok(ids.length > 0);
    assert.deepEqual(
      sections.map(({ heading }) => heading),
      ids,
    );
  });

  for (const { heading, text } of sections) {
    test(`gives ${heading} a sentence, a source and a place where it is checked`, () => {
      assert.match(text, /^\n\*\*[^*]+\.\*\*/);
      assert.match(text, /§\d|figure|No section/);
      assert.match(text, /[Cc]hecked/);
    });
  }
});

describe('docs/CONFIGURATION.md', () => {
  const sections = findSections(readRepositoryFile('docs/CONFIGURATION.md'), 3);

  test('documents every field of the configuration, each once, and no other', () => {
    const documented = sections.map(({ heading }) => heading);
    assert.deepEqual(documented.toSorted(), Object.keys(DEFAULT_CONFIG).toSorted());
  });

  for (const { heading, text } of sections) {
    test(`gives the default of ${heading}`, () => {
      const shown = /^- Default: `([^`]+)`/m.exec(text)?.[1];
      const value = new Map<string, unknown>(Object.entries(DEFAULT_CONFIG)).get(heading);
      assert.equal(shown, typeof value === 'string' ? `'${value}'` : String(value));
    });
  }
});

describe('docs/GLOSSARY.md', () => {
  const terms = [...readRepositoryFile('docs/GLOSSARY.md').matchAll(/^- \*\*([^*]+)\*\*: /gm)].flatMap(
    ([, term]) => term ?? [],
  );

  test('gives each term one meaning', () => {
    assert.equal(new Set(terms).size, terms.length);
  });

  test('defines the words that the code is written in', () => {
    const needed = [
      'term',
      'index',
      'LogId',
      'entry',
      'hard state',
      'leader',
      'follower',
      'candidate',
      'pre-candidate',
      'pre-vote',
      'voter',
      'learner',
      'joint config',
      'quorum',
      'commit index',
      'applied index',
      'durable index',
      'snapshot',
      'compaction',
      'ReadIndex',
      'lease read',
      'leadership transfer',
      'proposal',
    ];
    assert.deepEqual(
      needed.filter((term) => !terms.includes(term)),
      [],
    );
  });
});
