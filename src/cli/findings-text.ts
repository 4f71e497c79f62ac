/** What was found to be wrong, as text. */
import type { Finding } from '../storage/lmdb/offline/index.ts';
import { countOf } from './layout.ts';

/** Nobody reads more of them. */
const SHOWN_MAX = 50;

export function hasDamageIn(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'damage');
}

/** Damage first, one finding after the other; empty when there is none. */
export function findingsText(findings: readonly Finding[]): string {
  const sorted = findings.toSorted((a, b) => Number(a.severity === 'note') - Number(b.severity === 'note'));
  const lines = sorted.slice(0, SHOWN_MAX).map(({ severity, file, index, problem }) => {
    const place = index === null ? file : `${file}, index ${index}`;
    // Problems of files name these themselves.
    return `${severity === 'damage' ? 'DAMAGE' : 'note  '}  ${problem.includes(file) ? '' : `${place}: `}${problem}`;
  });
  const rest = findings.length - SHOWN_MAX;
  return (rest > 0 ? [...lines, `... and ${countOf(rest, 'more', 'more')}; --json lists all`] : lines).join('\n');
}
