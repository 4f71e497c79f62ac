/** Puts a bug into the text of a source file. */
import type { Patch } from './mutant.ts';

/** The text is not what the patch was made for. */
export class PatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatchError';
  }
}

/**
 * Applies those of the patches that are for this file.
 * @throws PatchError when one of them does not fit exactly once
 */
export function patchSource(file: string, source: string, patches: readonly Patch[]): string {
  let patched = source;
  for (const patch of patches) if (patch.file === file) patched = applyPatch(patched, patch);
  return patched;
}

function applyPatch(source: string, { file, search, replace }: Patch): string {
  const parts = source.split(search);
  if (parts.length === 2) return parts.join(replace);
  throw new PatchError(`${file} must have this exactly once, but has it ${parts.length - 1} times:\n${search}`);
}
