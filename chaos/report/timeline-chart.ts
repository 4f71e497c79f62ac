/** The run as a picture: operations for each second, times without a success, and what was being done to the nodes. */
import type { FaultName } from '../nemesis/fault.ts';
import type { Counts, Span } from './availability.ts';
import { count, duration, escapeText, px, roundTicks } from './markup.ts';
import type { ReportedFault } from './result.ts';

export interface TimelineChartOptions {
  readonly whole: Span;
  readonly perSecond: readonly Counts[];
  /** Long times without a success. */
  readonly outages: readonly Span[];
  readonly faults: readonly ReportedFault[];
  readonly nemeses: readonly FaultName[];
}

const WIDTH = 1140;
const LEFT = 96;
const RIGHT = 12;
const TOP = 10;
const PLOT_HEIGHT = 200;
const OUTAGE_TOP = TOP + PLOT_HEIGHT + 8;
const OUTAGE_HEIGHT = 14;
const LANES_TOP = OUTAGE_TOP + OUTAGE_HEIGHT + 8;
const LANE_HEIGHT = 22;
const AXIS_HEIGHT = 34;

const SERIES = ['ok', 'failed', 'unknown'] as const;

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (operations: number) => number;
  readonly lanesBottom: number;
}

/** An `<svg>` element; its colours are classes of the page. */
export function timelineChart(options: TimelineChartOptions): string {
  const { whole, perSecond, nemeses } = options;
  const most = Math.max(1, ...perSecond.map(({ ok, failed, unknown }) => ok + failed + unknown));
  const ticks = roundTicks(most, 4);
  const top = ticks.at(-1) ?? most;
  const spanMs = Math.max(1, whole.endMs - whole.startMs);
  const scale: Scale = {
    x: (ms) => LEFT + (Math.min(Math.max(ms - whole.startMs, 0), spanMs) / spanMs) * (WIDTH - LEFT - RIGHT),
    y: (operations) => TOP + PLOT_HEIGHT * (1 - operations / top),
    lanesBottom: LANES_TOP + nemeses.length * LANE_HEIGHT,
  };
  const height = scale.lanesBottom + AXIS_HEIGHT;
  return [
    `<svg class="chart" role="img" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    '<title>Operations for each second, times without a success, and faults</title>',
    shades(options, scale),
    timeAxis(spanMs, scale),
    grid(ticks, scale),
    bars(options, scale),
    outages(options, scale),
    lanes(options, scale),
    '</svg>',
  ].join('\n');
}

/** Behind the bars, as high as the plot: where anything was being done. */
function shades({ faults }: TimelineChartOptions, { x }: Scale): string {
  return faults
    .map(({ startMs, endMs }) =>
      rectangle('shade', { left: x(startMs), right: x(endMs), top: TOP, height: PLOT_HEIGHT }),
    )
    .join('');
}

function grid(ticks: readonly number[], { y }: Scale): string {
  const lines = ticks.map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>` +
      `<text class="label end" x="${LEFT - 6}" y="${px(y(tick) + 4)}">${count(tick)}</text>`,
  );
  const middle = TOP + PLOT_HEIGHT / 2;
  const title = `<text class="label mid" transform="translate(14 ${middle}) rotate(-90)">operations / s</text>`;
  return title + lines.join('');
}

/** Stacked: what succeeded at the bottom. */
function bars({ whole, perSecond }: TimelineChartOptions, { x, y }: Scale): string {
  const drawn = perSecond.map((counts, second) => {
    const left = x(whole.startMs + second * 1000);
    const right = Math.max(left + 0.5, x(whole.startMs + (second + 1) * 1000) - (perSecond.length > 300 ? 0 : 1));
    let below = 0;
    const parts = SERIES.map((series) => {
      const value = counts[series];
      const top = y(below + value);
      const bar = value === 0 ? '' : rectangle(series, { left, right, top, height: y(below) - top });
      below += value;
      return bar;
    });
    const said = `${second} s: ${counts.ok} ok, ${counts.failed} failed, ${counts.unknown} unknown`;
    return `<g><title>${said}</title>${parts.join('')}</g>`;
  });
  return drawn.join('');
}

function outages({ outages: spans }: TimelineChartOptions, { x }: Scale): string {
  const label = `<text class="label end" x="${LEFT - 6}" y="${OUTAGE_TOP + 11}">no success</text>`;
  const drawn = spans.map(({ startMs, endMs }) => {
    const box = rectangle('outage', { left: x(startMs), right: x(endMs), top: OUTAGE_TOP, height: OUTAGE_HEIGHT });
    return `<g><title>no success for ${duration(endMs - startMs)}</title>${box}</g>`;
  });
  return label + drawn.join('');
}

function lanes({ faults, nemeses }: TimelineChartOptions, { x }: Scale): string {
  const drawn = nemeses.map((nemesis, lane) => {
    const top = LANES_TOP + lane * LANE_HEIGHT;
    const boxes = faults
      .filter((fault) => fault.nemesis === nemesis)
      .map((fault) => {
        const [left, right] = [x(fault.startMs), Math.max(x(fault.endMs), x(fault.startMs) + 2)];
        const box = rectangle('fault', { left, right, top: top + 3, height: LANE_HEIGHT - 6 });
        // Some seven pixels for each letter.
        const fits = right - left > fault.variant.length * 6.6 + 8;
        const text = `<text class="in-fault" x="${px(left + 4)}" y="${top + 15}">${escapeText(fault.variant)}</text>`;
        const said = `${fault.what} (${duration(fault.endMs - fault.startMs)})`;
        return `<g><title>${escapeText(said)}</title>${box}${fits ? text : ''}</g>`;
      });
    const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top + LANE_HEIGHT}" y2="${top + LANE_HEIGHT}"/>`;
    return `${line}<text class="label end" x="${LEFT - 6}" y="${top + 15}">${nemesis}</text>${boxes.join('')}`;
  });
  return drawn.join('');
}

function timeAxis(spanMs: number, { x, lanesBottom }: Scale): string {
  const ticks = roundTicks(spanMs / 1000, 12).filter((seconds) => seconds * 1000 <= spanMs);
  const drawn = ticks.map(
    (seconds) =>
      `<line class="grid" x1="${px(x(seconds * 1000))}" x2="${px(x(seconds * 1000))}" y1="${TOP}" y2="${lanesBottom}"/>` +
      `<text class="label mid" x="${px(x(seconds * 1000))}" y="${lanesBottom + 16}">${count(seconds)} s</text>`,
  );
  return drawn.join('');
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly height: number;
}

function rectangle(name: string, { left, right, top, height }: Box): string {
  return `<rect class="${name}" x="${px(left)}" y="${px(top)}" width="${px(right - left)}" height="${px(height)}"/>`;
}
