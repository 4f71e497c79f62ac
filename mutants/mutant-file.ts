/** Mutants from a file, for who wants to know whether a bug of his own would be noticed. */
import { readFileSync } from 'node:fs';
import type { Mutant, Patch } from './mutant.ts';
import { UsageError } from './mutant-arguments.ts';

/**
 * Reads a JSON list of mutants; all but `name` and `patches` may be left out.
 * @throws UsageError
 */
export function readMutants(path: string): readonly Mutant[] {
  const value = readJson(path);
  if (!Array.isArray(value)) throw new UsageError(`${path} must hold a list of mutants`);
  return value.map((item: unknown, position) => mutantOf(item, `${path}: item ${position + 1}`));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function mutantOf(item: unknown, where: string): Mutant {
  if (!isObject(item) || typeof item['name'] !== 'string' || item['name'] === '') {
    throw new UsageError(`${where} needs a name`);
  }
  const patches = item['patches'];
  if (!Array.isArray(patches) || patches.length === 0 || !patches.every(isPatch)) {
    throw new UsageError(`${where} needs patches, each with file, search and replace`);
  }
  const pinned = item['pinned'] ?? [];
  if (!Array.isArray(pinned) || !pinned.every(Number.isSafeInteger)) {
    throw new UsageError(`${where}: pinned must be a list of seeds`);
  }
  return { bug: '', origin: '', ...item, name: item['name'], patches, pinned };
}

function isPatch(value: unknown): value is Patch {
  return isObject(value) && ['file', 'search', 'replace'].every((field) => typeof value[field] === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
