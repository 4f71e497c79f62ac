/** Makes this process load some sources with a bug in them. The files on the disk stay as they are. */
import { registerHooks } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Patch } from './mutant.ts';
import { patchSource } from './patch-source.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** From now on; what is loaded already stays as it is. A patch that does not fit makes the import fail. */
export function installPatches(patches: readonly Patch[]): void {
  const files = new Set(patches.map(({ file }) => file));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = url.startsWith('file:') ? pathInRepository(url) : null;
      if (file === null || !files.has(file)) return loaded;
      const { source } = loaded;
      if (source === undefined || source === null) throw new TypeError(`${url} was loaded without its text`);
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      return { ...loaded, source: patchSource(file, text, patches) };
    },
  });
}

function pathInRepository(url: string): string {
  return relative(ROOT, fileURLToPath(url)).split(sep).join('/');
}
