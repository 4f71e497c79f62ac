/**
 * Keeps real time, randomness and concurrency out of where they would break replay: the whole library must run as a
 * function of one seed, so only the adapters in src/system/ may touch the machine's clock, timers and random
 * source, and core, which is a plain function, may not even wait.
 */
import ts from 'typescript';
import type { Violation } from './source-files.ts';
import { lineOf } from './source-files.ts';

const timeAdvice = 'time comes from the clock port, or into core as nowMs';
const randomAdvice = 'randomness comes from the random port, or into core with its input';
const waitAdvice = 'core is synchronous: return an effect and take the answer as an input';
const ioAdvice = 'core does no I/O: return an effect';

const timerGlobals: ReadonlyMap<string, string> = new Map([
  ['setTimeout', timeAdvice],
  ['setInterval', timeAdvice],
  ['setImmediate', timeAdvice],
  ['performance', timeAdvice],
]);

const coreGlobals: ReadonlyMap<string, string> = new Map([
  ...timerGlobals,
  ['queueMicrotask', waitAdvice],
  ['Promise', waitAdvice],
  ['PromiseLike', waitAdvice],
  ['Date', timeAdvice],
  ['crypto', randomAdvice],
  ['console', ioAdvice],
  ['process', ioAdvice],
  ['fetch', ioAdvice],
]);

/** Members that read the clock, set a timer or draw a random number, as `object.member`. */
const bannedMembers: ReadonlyMap<string, string> = new Map([
  ['Date.now', timeAdvice],
  ['AbortSignal.timeout', timeAdvice],
  ['process.hrtime', timeAdvice],
  ['Math.random', randomAdvice],
]);

/** Member and import names that draw random numbers, whatever the module is called where they are used. */
const randomFunctions: ReadonlySet<string> = new Set([
  'randomUUID',
  'randomBytes',
  'randomInt',
  'randomFillSync',
  'randomFill',
  'getRandomValues',
]);

const bannedModules: ReadonlyMap<string, string> = new Map([
  ['timers', timeAdvice],
  ['timers/promises', timeAdvice],
  ['perf_hooks', timeAdvice],
]);

type Zone = 'core' | 'system' | 'source' | 'other';

function zoneOf(path: string): Zone {
  if (path.startsWith('src/core/')) {
    return 'core';
  }
  if (path.startsWith('src/system/')) {
    return 'system';
  }
  return path.startsWith('src/') ? 'source' : 'other';
}

/** Every use of a banned name in one file; which names are banned depends on the folder. */
export function findDeterminismViolations(source: ts.SourceFile): readonly Violation[] {
  const zone = zoneOf(source.fileName);
  const violations: Violation[] = [];
  const visit = (node: ts.Node): void => {
    const message = describeViolation(node, zone);
    if (message !== null) {
      violations.push({ path: source.fileName, line: lineOf(node), message });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return violations;
}

function describeViolation(node: ts.Node, zone: Zone): string | null {
  const using = describeUsing(node);
  if (using !== null || zone === 'other' || zone === 'system') {
    return using;
  }
  return (
    describeImport(node, zone) ??
    describeName(node, zone) ??
    describeMember(node) ??
    (zone === 'core' ? describeWait(node) : describeDate(node))
  );
}

/** Node.js 22 runs sources by type stripping and does not know `using`; tests must run there too. */
function describeUsing(node: ts.Node): string | null {
  const isUsing = ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) >= ts.NodeFlags.Using;
  return isUsing ? '`using` does not run on Node.js 22 as it is: dispose in a finally block' : null;
}

function describeImport(node: ts.Node, zone: Zone): string | null {
  if (ts.isImportSpecifier(node)) {
    const name = (node.propertyName ?? node.name).text;
    return randomFunctions.has(name) ? `${name}: ${randomAdvice}` : null;
  }
  const specifier = moduleSpecifierOf(node);
  if (specifier === null) {
    return null;
  }
  if (zone === 'core' && !specifier.startsWith('.')) {
    return `import of ${specifier}: ${ioAdvice}`;
  }
  const advice = bannedModules.get(specifier.replace(/^node:/, ''));
  return advice === undefined ? null : `import of ${specifier}: ${advice}`;
}

function moduleSpecifierOf(node: ts.Node): string | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)
      ? node.moduleSpecifier.text
      : null;
  }
  const isDynamicImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const [specifier] = isDynamicImport ? node.arguments : [];
  return specifier !== undefined && ts.isStringLiteral(specifier) ? specifier.text : null;
}

function describeName(node: ts.Node, zone: Zone): string | null {
  if (!ts.isIdentifier(node) || !isGlobalReference(node)) {
    return null;
  }
  const advice = (zone === 'core' ? coreGlobals : timerGlobals).get(node.text);
  return advice === undefined ? null : `${node.text}: ${advice}`;
}

/** Whether an identifier stands for a variable or type, not for a member, a key or a declared name. */
function isGlobalReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.expression === node || isNamed(parent.expression, 'globalThis');
  }
  if (ts.isQualifiedName(parent)) {
    return parent.left === node;
  }
  const isDeclaredName = 'name' in parent && parent.name === node;
  const isKey = 'propertyName' in parent && parent.propertyName === node;
  return ts.isShorthandPropertyAssignment(parent) || !(isDeclaredName || isKey);
}

function describeMember(node: ts.Node): string | null {
  if (!ts.isPropertyAccessExpression(node)) {
    return null;
  }
  const member = node.name.text;
  if (randomFunctions.has(member)) {
    return `${member}: ${randomAdvice}`;
  }
  const object = ts.isIdentifier(node.expression) ? node.expression.text : lastNameOf(node.expression);
  const name = `${object}.${member}`;
  const advice = bannedMembers.get(name);
  return advice === undefined ? null : `${name}: ${advice}`;
}

/** `Math` of `globalThis.Math`; the empty string for anything that is not a member of globalThis. */
function lastNameOf(node: ts.Expression): string {
  return ts.isPropertyAccessExpression(node) && isNamed(node.expression, 'globalThis') ? node.name.text : '';
}

/** Outside core a Date may be made from a given time, but not from the clock. */
function describeDate(node: ts.Node): string | null {
  const isCall = ts.isCallExpression(node) || ts.isNewExpression(node);
  if (!isCall || !isNamed(node.expression, 'Date')) {
    return null;
  }
  const readsClock = ts.isCallExpression(node) || (node.arguments?.length ?? 0) === 0;
  return readsClock ? `Date without a time: ${timeAdvice}` : null;
}

function describeWait(node: ts.Node): string | null {
  const isWait =
    node.kind === ts.SyntaxKind.AsyncKeyword ||
    ts.isAwaitExpression(node) ||
    (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
  return isWait ? `async or await: ${waitAdvice}` : null;
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}
