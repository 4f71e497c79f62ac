import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

const root = new URL('../../', import.meta.url);
const entryPoints = Object.entries(manifest.exports).filter(([name]) => name !== './package.json');

describe('package.json', () => {
  for (const [name, target] of entryPoints) {
    test(`points the entry ${name} at one source file and at what the build makes of it`, () => {
      assert.ok(typeof target === 'object');
      const source = target['zlayer-source'];
      assert.ok(existsSync(fileURLToPath(new URL(source, root))), `${source} is missing`);
      assert.equal(target.types, source.replace('./src/', './dist/').replace(/\.ts$/, '.d.ts'));
      assert.equal(target.default, source.replace('./src/', './dist/').replace(/\.ts$/, '.js'));
      assert.deepEqual(Object.keys(target), ['zlayer-source', 'types', 'default']);
    });
  }

  test('supports the Node.js line of its lowest type definitions, and pins the one it is developed on', () => {
    assert.equal(manifest.engines.node, '>=22.12');
    assert.match(manifest.devDependencies['@types/node'], /^22\.\d+\.\d+$/);
    assert.match(manifest.devDependencies.node, /^24\.\d+\.\d+$/);
  });

  test('pins TypeScript and every other development tool to one version', () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
    }
    assert.match(manifest.devDependencies.typescript, /^6\.0\./);
  });

  test('lets only the node package run an install script', () => {
    const approved = Object.entries(manifest.allowScripts).filter(([, isAllowed]) => isAllowed);
    assert.deepEqual(approved, [['node', true]]);
  });
});

describe('package-lock.json', () => {
  const text = readFileSync(new URL('package-lock.json', root), 'utf8');

  test('names no registry host', () => {
    assert.doesNotMatch(text, /"resolved": "http/);
  });

  // npm install leaves out what the registry does not have, and npm ci then refuses the lock file.
  test('lists the optional packages of every platform', () => {
    const { packages } = JSON.parse(text) as LockFile;
    const paths = Object.keys(packages);
    for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
      for (const name of Object.keys(optionalDependencies)) {
        const isListed = paths.some((listed) => listed.endsWith(`node_modules/${name}`));
        assert.ok(isListed, `${path} needs ${name}: use a version whose platform packages can all be had`);
      }
    }
  });
});
