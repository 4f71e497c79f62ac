/**
 * Keeps files and functions small enough to read. A function that was already too long may be listed in the ratchet with
 * its length: it must then be exactly that long, so that it can shrink, together with its entry, but never grow.
 */
import ts from 'typescript';
import type { Violation } from './source-files.ts';
import { lineOf } from './source-files.ts';

/** The most lines a file may have. */
export const fileLinesMax = 400;

/** The most lines a function may have, docstring not counted. */
export const functionLinesMax = 60;

/** Files that have a limit of their own. */
const fileLinesMaxByPath: ReadonlyMap<string, number> = new Map([['src/core/raft.ts', 250]]);

/** Lengths of the functions that are longer than allowed, by `path#function`. */
export type SizeRatchet = Readonly<Record<string, number>>;

/** Too long files and functions in one file, and ratchet entries for it that no longer hold. */
export function findSizeViolations(source: ts.SourceFile, ratchet: SizeRatchet): readonly Violation[] {
  const path = source.fileName;
  const violations: Violation[] = [];
  const lines = source.text.trimEnd().split('\n').length;
  const linesMax = fileLinesMaxByPath.get(path) ?? fileLinesMax;
  if (lines > linesMax) {
    violations.push({ path, line: 1, message: `has ${lines} lines, at most ${linesMax} are allowed: split it` });
  }
  const longFunctions = findLongFunctions(source);
  for (const { name, line, length } of longFunctions) {
    const listed = ratchet[`${path}#${name}`];
    if (listed === undefined || length > listed) {
      const limit = listed ?? functionLinesMax;
      violations.push({ path, line, message: `${name} has ${length} lines, at most ${limit} are allowed` });
    }
  }
  return [...violations, ...findLooseRatchetEntries(path, longFunctions, ratchet)];
}

interface LongFunction {
  readonly name: string;
  readonly line: number;
  readonly length: number;
}

function findLongFunctions(source: ts.SourceFile): readonly LongFunction[] {
  const found: LongFunction[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && !isTestGroup(node)) {
      const line = lineOf(node);
      const length = source.getLineAndCharacterOfPosition(node.end).line + 2 - line;
      if (length > functionLinesMax) {
        found.push({ name: nameOf(node), line, length });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function findLooseRatchetEntries(
  path: string,
  longFunctions: readonly LongFunction[],
  ratchet: SizeRatchet,
): readonly Violation[] {
  return Object.entries(ratchet)
    .filter(([key]) => key.startsWith(`${path}#`))
    .flatMap(([key, listed]) => {
      const length = longFunctions.find(({ name }) => `${path}#${name}` === key)?.length ?? 0;
      const advice = length === 0 ? 'remove its entry from' : `lower its entry to ${length} in`;
      return length >= listed ? [] : [{ path, line: 1, message: `${key} is shorter now: ${advice} the ratchet` }];
    });
}

/** The function that only groups tests may be as long as the group is. */
function isTestGroup(node: ts.Node): boolean {
  const call = node.parent;
  return (
    ts.isCallExpression(call) &&
    ts.isIdentifier(call.expression) &&
    (call.expression.text === 'describe' || call.expression.text === 'suite')
  );
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) {
    return node.name.getText();
  }
  if (ts.isConstructorDeclaration(node)) {
    return 'constructor';
  }
  const { parent } = node;
  return 'name' in parent && parent.name !== undefined ? (parent.name as ts.Node).getText() : 'anonymous function';
}
