/** Finds files and directories of a simulated file system by their paths. */
import type { DiskOperation } from './disk-faults.ts';
import { systemError } from './disk-faults.ts';
import type { MemDirectory, MemFile, MemNode } from './mem-file-system-tree.ts';

/** Where a name is, or would be. */
export interface MemPlace {
  readonly parent: MemDirectory;
  readonly name: string;
  /** `undefined` when there is nothing under the name. */
  readonly node: MemNode | undefined;
}

export function findPlace(root: MemDirectory, operation: DiskOperation): MemPlace {
  const names = namesOf(operation.path);
  const name = names.pop();
  if (name === undefined) throw failure('EISDIR', operation);
  const parent = asDirectory(walk(root, names), operation);
  return { parent, name, node: parent.get(name) };
}

export function findFile(root: MemDirectory, operation: DiskOperation): MemFile {
  const node = walk(root, namesOf(operation.path));
  if (node === undefined) throw systemError('ENOENT', operation);
  if (node.type !== 'file') throw failure('EISDIR', operation);
  return node;
}

export function findDirectory(root: MemDirectory, operation: DiskOperation): MemDirectory {
  return asDirectory(walk(root, namesOf(operation.path)), operation);
}

/** `undefined` when there is nothing. */
export function findNode(root: MemDirectory, path: string): MemNode | undefined {
  return walk(root, namesOf(path));
}

/** Names from the root down. */
export function namesOf(path: string): string[] {
  return path.split(/[\\/]/).filter((name) => name !== '' && name !== '.');
}

/** An error as Node.js gives it for a failed system call. */
export function failure(code: string, { type, path }: DiskOperation): Error {
  return Object.assign(new Error(`${code}: ${type} '${path}'`), { code, syscall: type, path });
}

function asDirectory(node: MemNode | undefined, operation: DiskOperation): MemDirectory {
  if (node === undefined) throw systemError('ENOENT', operation);
  if (node.type !== 'directory') throw failure('ENOTDIR', operation);
  return node;
}

function walk(root: MemDirectory, names: readonly string[]): MemNode | undefined {
  let node: MemNode | undefined = root;
  for (const name of names) {
    if (node?.type !== 'directory') return undefined;
    node = node.get(name);
  }
  return node;
}
