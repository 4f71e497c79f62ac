/** What a look at stored data brought up. */
import type { LogIndex } from '../../../core/ids.ts';

export interface Finding {
  /**
   * - `damage`: something that was stored is missing, changed, or contradicts the rest.
   * - `note`: nothing is lost, but somebody may want to know.
   */
  readonly severity: 'damage' | 'note';
  /** The file or directory it is in. */
  readonly file: string;
  /** The first entry it concerns; `null` when it is not about entries. */
  readonly index: LogIndex | null;
  readonly problem: string;
}

export function hasDamage(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'damage');
}

/** On one line, for messages. */
export function findingText({ file, index, problem }: Finding): string {
  return index === null ? `${file}: ${problem}` : `${file}, index ${index}: ${problem}`;
}
