/** The longest time without a success of each fault as a dot, kind by kind: how available the cluster was under it. */
import { count, duration, px, roundTicks } from './markup.ts';
import type { NemesisRow } from './result.ts';

const WIDTH = 1140;
const LEFT = 96;
const RIGHT = 34;
const ROW_HEIGHT = 26;
const TOP = 6;
const AXIS_HEIGHT = 34;

/** An `<svg>` element; its colours are classes of the page. */
export function gapChart(rows: readonly NemesisRow[]): string {
  const longest = Math.max(1, ...rows.flatMap(({ gapsMs }) => gapsMs));
  const ticks = roundTicks(longest, 10);
  const end = ticks.at(-1) ?? longest;
  const x = (ms: number): number => LEFT + (ms / end) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const height = bottom + AXIS_HEIGHT;
  const axis = ticks.map(
    (tick) =>
      `<line class="grid" x1="${px(x(tick))}" x2="${px(x(tick))}" y1="${TOP}" y2="${bottom}"/>` +
      `<text class="label mid" x="${px(x(tick))}" y="${bottom + 16}">${count(tick)} ms</text>`,
  );
  const drawn = rows.map(({ nemesis, gapsMs, gaps }, row) => {
    const y = TOP + (row + 0.5) * ROW_HEIGHT;
    const dots = gapsMs.map(
      (ms) => `<circle class="dot" cx="${px(x(ms))}" cy="${px(y)}" r="4"><title>${duration(ms)}</title></circle>`,
    );
    const median =
      gaps === null
        ? ''
        : `<line class="median" x1="${px(x(gaps.p50))}" x2="${px(x(gaps.p50))}" y1="${px(y - 9)}" y2="${px(y + 9)}"/>`;
    const name = nemesis === 'none' ? 'quiet' : nemesis;
    return `<text class="label end" x="${LEFT - 6}" y="${px(y + 4)}">${name}</text>${dots.join('')}${median}`;
  });
  return [
    `<svg class="chart" role="img" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    '<title>Longest time without a success, for each fault</title>',
    ...axis,
    ...drawn,
    '</svg>',
  ].join('\n');
}
