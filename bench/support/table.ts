/** The report as text: columns of fixed width. */
import type { Figure, Floor } from './figure.ts';
import { summarise } from './statistics.ts';

/** Headings and widths; the first column is flush left. */
const COLUMNS: readonly (readonly [heading: string, width: number])[] = [
  ['figure', 46],
  ['median', 10],
  ['unit', 7],
  ['min - max', 20],
  ['CPU us/op', 10],
  ['p50 ms', 9],
  ['p99 ms', 9],
  ['floor', 18],
];

/** The heading of a scenario and of its columns. */
export function tableHeading(name: string, title: string): string {
  const headings = line(COLUMNS.map(([heading]) => heading));
  return `\n${name}: ${title}\n${headings}\n${'-'.repeat(headings.length)}`;
}

export function tableRow(figure: Figure): string {
  const { median, min, max } = summarise(figure.values);
  return line([
    figure.name,
    formatNumber(median),
    figure.unit,
    `${formatNumber(min)} - ${formatNumber(max)}`,
    formatMedian(figure.cpuUsPerOperation),
    formatMedian(figure.p50Ms),
    formatMedian(figure.p99Ms),
    figure.floor === null ? '' : formatFloor(figure.floor, median),
  ]);
}

/** Whether the median of a figure is as good as it should be. */
export function meetsFloor(floor: Floor, median: number): boolean {
  return 'atLeast' in floor ? median >= floor.atLeast : median <= floor.atMost;
}

/** Three significant digits where there are no more before the point, thousands grouped. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  const decimals = magnitude >= 100 || value === 0 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function formatMedian(values: readonly number[]): string {
  return values.length === 0 ? '' : formatNumber(summarise(values).median);
}

function formatFloor(floor: Floor, median: number): string {
  const limit = 'atLeast' in floor ? `>= ${formatNumber(floor.atLeast)}` : `<= ${formatNumber(floor.atMost)}`;
  return `${limit} ${meetsFloor(floor, median) ? 'ok' : 'MISSED'}`;
}

function line(cells: readonly string[]): string {
  const padded = COLUMNS.map(([, width], column) => {
    const cell = cells[column] ?? '';
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join(' ').trimEnd();
}
