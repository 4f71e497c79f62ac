import { existsSync } from 'node:fs';
import type { SizeRatchet } from './lint/file-size.ts';
import { findSizeViolations } from './lint/file-size.ts';
import { listSourceFiles, runCheck } from './lint/source-files.ts';
import ratchetTable from './size-ratchet.json' with { type: 'json' };

const ratchet: SizeRatchet = ratchetTable;
const paths = listSourceFiles(['src', 'test', 'examples', 'bench', 'chaos', 'mutants', 'scripts']);
runCheck(paths, (source) => findSizeViolations(source, ratchet));

for (const key of Object.keys(ratchet)) {
  const path = key.slice(0, key.indexOf('#'));
  if (!existsSync(path)) {
    console.error(`${path} is gone: remove its entry from the ratchet`);
    process.exitCode = 1;
  }
}
