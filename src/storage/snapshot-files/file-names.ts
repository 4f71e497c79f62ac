/**
 * The files of a snapshot store's directory. Each snapshot has a number, the newest the greatest one:
 *
 * ```text
 *   0000000000000007.unfinished          being written, or to be resumed
 *   0000000000000006.snapshot            complete
 *   0000000000000005.snapshot.damaged    was complete; set aside for somebody to look at
 * ```
 *
 * Anything else in the directory is left alone.
 */

export type FileKind = 'unfinished' | 'snapshot' | 'damaged';

export interface FileName {
  readonly name: string;
  readonly kind: FileKind;
  readonly sequence: number;
}

const SUFFIXES: Readonly<Record<FileKind, string>> = {
  unfinished: '.unfinished',
  snapshot: '.snapshot',
  damaged: '.snapshot.damaged',
};

const KINDS = ['unfinished', 'snapshot', 'damaged'] as const;
const DIGITS = 16;

export function fileName(kind: FileKind, sequence: number): string {
  return `${String(sequence).padStart(DIGITS, '0')}${SUFFIXES[kind]}`;
}

/** The store's own files among these names, oldest first. */
export function findFileNames(names: readonly string[]): readonly FileName[] {
  return names.flatMap((name) => parse(name) ?? []).sort((a, b) => a.sequence - b.sequence);
}

function parse(name: string): FileName | null {
  const sequence = Number(/^\d{16}(?=\.)/.exec(name)?.[0]);
  const kind = KINDS.find((each) => fileName(each, sequence) === name);
  return kind === undefined || !Number.isSafeInteger(sequence) ? null : { name, kind, sequence };
}
