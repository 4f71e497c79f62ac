/** The result in a terminal. */
import type { ChaosResult, NemesisRow } from './result.ts';

const COLUMNS = ['nemesis', 'intervals', 'ok', 'failed', 'unknown', 'gap p50 ms', 'gap p99 ms', 'gap max ms'];

export function reportTable(result: ChaosResult): string {
  const { rows, counts, findings, check, replicas, acknowledgedWrites } = result;
  const verdict = check === null ? 'not checked' : `${check.verdict} in ${check.seconds.toFixed(1)} s`;
  const lines = [COLUMNS, ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const table = lines.map((cells) => cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  '));
  return [
    '',
    ...table,
    '',
    `operations: ${counts.ok} ok, ${counts.failed} failed, ${counts.unknown} unknown`,
    `history: ${verdict}; acknowledged writes found: ${acknowledgedWrites}; nodes compared: ${replicas.length}`,
    ...findings.map(({ outcome, text }) => `${outcome.toUpperCase()}: ${text}`),
    findings.length === 0 ? 'ok' : `again: ${result.command}`,
  ].join('\n');
}

function cellsOf({ nemesis, intervals, counts, gaps }: NemesisRow): readonly string[] {
  const [p50, p99, max] = gaps === null ? ['-', '-', '-'] : [gaps.p50, gaps.p99, gaps.max].map((ms) => ms.toFixed(0));
  const numbers = [intervals, counts.ok, counts.failed, counts.unknown].map(String);
  return [nemesis, ...numbers, p50 ?? '', p99 ?? '', max ?? ''];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
