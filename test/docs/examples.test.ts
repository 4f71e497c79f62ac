import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { findCodeBlocks, readDocuments } from './markdown.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every block of TypeScript in the documents, as a file that does not exist on the disk. */
const examples = new Map(
  readDocuments().flatMap(({ path, text }) =>
    findCodeBlocks(text)
      .filter(({ language }) => language === 'ts')
      .map(({ code, line }) => [`${root}${path.replaceAll('/', '-')}-line-${line}.ts`, code] as const),
  ),
);

describe('the examples in the documents', () => {
  test('compile strictly, with the public entry points only', () => {
    assert.ok(examples.size > 0);
    assert.deepEqual(problemsOf(examples), []);
  });

  test('are found to be wrong when they are', () => {
    const wrong = new Map([
      [`${root}wrong.ts`, "import { noSuchExport } from 'zlayer-consensus/raft';\nnoSuchExport();\n"],
    ]);
    assert.match(problemsOf(wrong).join('\n'), /noSuchExport/);
  });

  test('import the package as its users do', () => {
    for (const [name, code] of examples) {
      for (const [, from] of code.matchAll(/from '([^']+)'/g)) {
        assert.match(from ?? '', /^(zlayer-consensus(\/|$)|node:)/, name);
      }
    }
  });
});

/** Compiles files as a user's project would, with the options of this one. */
function problemsOf(files: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const sources = [...files.keys()].flatMap((name) => program.getSourceFile(name) ?? []);
  const diagnostics = sources.flatMap((source) => [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ]);
  return ts
    .formatDiagnostics(diagnostics, host)
    .split('\n')
    .filter((line) => line !== '');
}
