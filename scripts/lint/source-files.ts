/** Finds and parses the TypeScript files that the project's own checks look at. */
import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** One place where a rule is broken. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** The TypeScript files below the given folders of the working directory, as sorted paths with forward slashes. */
export function listSourceFiles(folders: readonly string[]): readonly string[] {
  return globSync(folders.map((folder) => `${folder}/**/*.ts`))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.split('/').includes('fixtures'))
    .sort();
}

/** Parses one file; types are not resolved. */
export function parseSource(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** Runs a check over files and reports on the console; a violation makes the process exit with 1. */
export function runCheck(
  paths: readonly string[],
  findViolations: (source: ts.SourceFile) => readonly Violation[],
): void {
  const violations = paths.flatMap((path) => findViolations(parseSource(path, readFileSync(path, 'utf8'))));
  for (const { path, line, message } of violations) {
    console.error(`${path}:${line} ${message}`);
  }
  if (violations.length > 0) {
    process.exitCode = 1;
  }
  console.log(`${paths.length} files, ${violations.length} violations`);
}

/** The line of a node's first character, counted from 1, without its docstring. */
export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
