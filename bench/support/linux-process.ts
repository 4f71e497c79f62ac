/** What Linux knows of this process; other systems don't tell. */
import { readFileSync } from 'node:fs';

/** Bytes handed to the disk since the process started. */
export function diskBytes(): number {
  return numberIn('/proc/self/io', /^write_bytes: (\d+)/m);
}

/** Memory that holds no file: what the process itself has allocated. */
export function ownMemoryBytes(): number {
  return numberIn('/proc/self/status', /^RssAnon:\s+(\d+) kB/m) * 1024;
}

function numberIn(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
