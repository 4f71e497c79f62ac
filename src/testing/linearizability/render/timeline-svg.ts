/** Draws a violation: a lane for each process, a bar for each operation, the order that comes farthest, what is stuck. */
import type { ShownViolation } from '../explain/violation.ts';
import type { Bar, Lane, Layout, Point } from './layout.ts';
import { layOut } from './layout.ts';
import { escapeText, FONT_SIZE, pixels, shorten, widthOf } from './text.ts';

const WIDTH = 1180;
const LABELS_MAX_WIDTH = 170;
const MARGIN = 14;
const ROW_HEIGHT = 50;
const LANE_GAP = 10;
const BAR_TOP = 22;
const BAR_HEIGHT = 20;
const STATE_TOP = 16;
const STATE_HEIGHT = 26;
const LANES_TOP = STATE_TOP + STATE_HEIGHT + 22;
const AXIS_HEIGHT = 44;
const AXIS_NAME_TOP = 28;
const PROCESS_CHARACTERS_MAX = 20;

export interface TimelineSvgOptions {
  /** What the times of the history are in, for example `ms`. Default: it is not said. */
  readonly timeUnit?: string;
}

/** An `<svg>` element that stands alone: it brings its styles, for light and dark. At least 1180 pixels wide. */
export function renderTimelineSvg<Input, Output>(
  violation: ShownViolation<Input, Output>,
  { timeUnit = '' }: TimelineSvgOptions = {},
): string {
  const labelsWidth = Math.min(
    LABELS_MAX_WIDTH,
    Math.max(...violation.operations.map(processWidth), widthOf('process')),
  );
  const fromX = MARGIN + labelsWidth + MARGIN;
  const layout = layOut(violation, { fromX, toX: WIDTH - MARGIN });
  const width = layout.width + MARGIN;
  const lanesBottom = topOfRow(layout.rows, layout.lanes.length);
  const height = lanesBottom + AXIS_HEIGHT;
  const title = `Timeline of ${violation.operations.length} operations that no order explains`;
  return [
    `<svg class="linearizability" xmlns="http://www.w3.org/2000/svg" role="img" width="${pixels(width)}"`,
    ` height="${pixels(height)}" viewBox="0 0 ${pixels(width)} ${pixels(height)}">`,
    `<title>${escapeText(title)}</title><style>${STYLE}</style>${FADES}`,
    drawLanes(layout, width),
    drawStates(layout, lanesBottom),
    ...layout.bars.map((bar) => drawBar(bar, rowTops(layout))),
    ...layout.points.map((point) => drawPoint(point, rowTops(layout))),
    drawAxis(layout, { fromX, top: lanesBottom, timeUnit }),
    '</svg>',
  ].join('');
}

function processWidth({ operation }: ShownViolation<unknown, unknown>['operations'][number]): number {
  return widthOf(shorten(String(operation.process), PROCESS_CHARACTERS_MAX));
}

function topOfRow(row: number, lanesBefore: number): number {
  return LANES_TOP + row * ROW_HEIGHT + lanesBefore * LANE_GAP;
}

/** The top of each row. */
function rowTops({ lanes }: Layout): readonly number[] {
  return lanes.flatMap(({ firstRow, rows }, lane) =>
    Array.from({ length: rows }, (_, row) => topOfRow(firstRow + row, lane)),
  );
}

function drawLanes({ lanes }: Layout, width: number): string {
  return lanes.map((lane, index) => drawLane(lane, index, width)).join('');
}

function drawLane({ process, firstRow, rows }: Lane, index: number, width: number): string {
  const top = topOfRow(firstRow, index);
  const height = rows * ROW_HEIGHT;
  const name = escapeText(shorten(process, PROCESS_CHARACTERS_MAX));
  return [
    `<rect class="lane" x="0" y="${top}" width="${pixels(width)}" height="${height}" rx="6"/>`,
    `<text class="process" x="${MARGIN}" y="${top + BAR_TOP + BAR_HEIGHT / 2}"><title>${escapeText(process)}</title>`,
    `${name}</text>`,
  ].join('');
}

/** The track on top: which state holds from one place of the order on, and how many places are not shown. */
function drawStates({ spans, points }: Layout, bottom: number): string {
  const middle = STATE_TOP + STATE_HEIGHT / 2;
  const boxes = spans.map(({ fromX, toX, label, state }, index) => {
    return [
      `<rect class="state${index % 2 === 0 ? '' : ' odd'}" x="${pixels(fromX)}" y="${STATE_TOP}"`,
      ` width="${pixels(toX - fromX)}" height="${STATE_HEIGHT}"/>`,
      `<text x="${pixels(fromX + 7)}" y="${middle}"><title>${escapeText(state)}</title>${escapeText(label)}</text>`,
    ].join('');
  });
  const drops = points.map(({ x, hiddenBefore }) => {
    const more =
      hiddenBefore === 0 ? '' : `<text class="hidden" x="${pixels(x)}" y="${STATE_TOP - 6}">+${hiddenBefore}</text>`;
    return `<line class="drop" x1="${pixels(x)}" x2="${pixels(x)}" y1="${STATE_TOP + STATE_HEIGHT}" y2="${bottom}"/>${more}`;
  });
  return `<text class="process" x="${MARGIN}" y="${middle}">state</text>${boxes.join('')}${drops.join('')}`;
}

function drawBar({ operation, label, fromX, toX, fadeX, row }: Bar, tops: readonly number[]): string {
  const top = tops[row] ?? 0;
  const kind = operation.role === 'assumed' ? 'context' : operation.role;
  const body = drawBody({ fromX, toX, fadeX, y: top + BAR_TOP, kind });
  const mark = kind === 'stuck' ? drawCross((fromX + toX) / 2, top + BAR_TOP + BAR_HEIGHT / 2) : '';
  const { callAt } = operation.operation;
  const returnAt =
    operation.operation.type === 'unknown' ? 'never answered' : `returned at ${operation.operation.returnAt}`;
  const details = `${operation.label}\nprocess ${operation.operation.process}, called at ${callAt}, ${returnAt}`;
  return [
    `<g class="${kind}"><title>${escapeText(details).replaceAll('·process', '&#10;process')}</title>${body}`,
    `<text class="label" x="${pixels(fromX)}" y="${top + BAR_TOP / 2 + 2}">${escapeText(label)}</text>${mark}</g>`,
  ].join('');
}

interface Body {
  readonly fromX: number;
  readonly toX: number;
  readonly fadeX: number;
  readonly y: number;
  readonly kind: string;
}

/** A box that ends with the return, or that fades from where nothing more is known. */
function drawBody({ fromX, toX, fadeX, y, kind }: Body): string {
  if (fadeX === toX) {
    return `<rect class="bar" x="${pixels(fromX)}" y="${y}" width="${pixels(toX - fromX)}" height="${BAR_HEIGHT}" rx="4"/>`;
  }
  const solid = `<path class="bar" d="M${pixels(fadeX)},${y}H${pixels(fromX)}v${BAR_HEIGHT}H${pixels(fadeX)}"/>`;
  const tail = `<rect class="tail" fill="url(#linearizability-fade-${kind})" x="${pixels(fadeX)}" y="${y}"`;
  const edge = `<path class="edge" d="M${pixels(toX)},${y}H${pixels(fadeX)}M${pixels(toX)},${y + BAR_HEIGHT}H${pixels(fadeX)}"/>`;
  const start = fadeX === fromX ? `<path class="bar" d="M${pixels(fromX)},${y}v${BAR_HEIGHT}"/>` : solid;
  return `${tail} width="${pixels(toX - fadeX)}" height="${BAR_HEIGHT}"/>${edge}${start}`;
}

function drawCross(x: number, y: number): string {
  const [left, right] = [pixels(x - 5), pixels(x + 5)];
  return `<path class="cross" d="M${left},${y - 5}L${right},${y + 5}M${left},${y + 5}L${right},${y - 5}"/>`;
}

function drawPoint({ number, x, row }: Point, tops: readonly number[]): string {
  const y = (tops[row] ?? 0) + BAR_TOP + BAR_HEIGHT / 2;
  return `<circle class="point" cx="${pixels(x)}" cy="${y}" r="9"/><text class="number" x="${pixels(x)}" y="${y}">${number}</text>`;
}

function drawAxis(
  { ticks }: Layout,
  { fromX, top, timeUnit }: { readonly fromX: number; readonly top: number; readonly timeUnit: string },
): string {
  const unit = timeUnit === '' ? '' : ` in ${timeUnit}`;
  const name = `times of calls and returns${unit}; those with + count from the first one`;
  const texts = ticks.map(({ x, label }) => {
    return `<text class="tick" x="${pixels(x)}" y="${top + 10}">${escapeText(label)}</text>`;
  });
  const y = top + AXIS_NAME_TOP;
  return `${texts.join('')}<text class="axis" x="${pixels(fromX)}" y="${y}">${escapeText(name)}</text>`;
}

const FADES = ['placed', 'stuck', 'context']
  .map((kind) => {
    return [
      `<linearGradient id="linearizability-fade-${kind}"><stop offset="0" class="from-${kind}"/>`,
      `<stop offset="1" class="from-${kind}" stop-opacity="0"/></linearGradient>`,
    ].join('');
  })
  .join('');

const STYLE = `
.linearizability{--ink:#1c2430;--soft:#5c6878;--lane:#f2f4f7;--bar:#cfe0f5;--edge:#4a7ab5;--point:#1f4e8c;
--stuck:#fbd0cc;--stuck-edge:#c0271a;--context:#e2e5ea;--context-edge:#a3adba;--state:#e3efe0;--state-odd:#d2e5cd;--state-edge:#8fb386;
font:${FONT_SIZE}px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;color:var(--ink)}
@media (prefers-color-scheme:dark){.linearizability{--ink:#e4e9f0;--soft:#9aa7b8;--lane:#1d232c;--bar:#27466d;
--edge:#78aee8;--point:#a9cdf7;--stuck:#6b211b;--stuck-edge:#ff7b6e;--context:#2a313b;--context-edge:#5c6878;--state:#22351f;--state-odd:#2b4427;
--state-edge:#5a8050}.linearizability .number{fill:#10151c}}
.linearizability text{fill:var(--ink);dominant-baseline:central}
.linearizability .label{paint-order:stroke;stroke:var(--lane);stroke-width:4px;stroke-linejoin:round}
.linearizability .lane{fill:var(--lane)}
.linearizability .process,.linearizability .tick,.linearizability .axis,.linearizability .hidden{fill:var(--soft)}
.linearizability .hidden{font-size:10px;text-anchor:middle}
.linearizability .tick{text-anchor:middle}
.linearizability .tick,.linearizability .axis{font-size:11px}
.linearizability .state{fill:var(--state);stroke:var(--state-edge)}
.linearizability .state.odd{fill:var(--state-odd)}
.linearizability .drop{stroke:var(--soft);stroke-dasharray:1 4}
.linearizability .bar{fill:var(--bar);stroke:var(--edge);stroke-width:1.5}
.linearizability .edge{fill:none;stroke:var(--edge);stroke-width:1.5;stroke-dasharray:5 4;stroke-opacity:.6}
.linearizability .context .bar{fill:var(--context);stroke:var(--context-edge)}
.linearizability .context .edge{stroke:var(--context-edge)}
.linearizability .context .label{fill:var(--soft)}
.linearizability .stuck .bar{fill:var(--stuck);stroke:var(--stuck-edge);stroke-width:2}
.linearizability .stuck .edge{stroke:var(--stuck-edge)}
.linearizability .stuck .label{fill:var(--stuck-edge);font-weight:bold}
.linearizability .cross{stroke:var(--stuck-edge);stroke-width:3;stroke-linecap:round}
.linearizability .point{fill:var(--point)}
.linearizability .number{fill:#fff;text-anchor:middle;font-weight:bold;font-size:11px}
.linearizability .from-placed{stop-color:var(--bar)}
.linearizability .from-context{stop-color:var(--context)}
.linearizability .from-stuck{stop-color:var(--stuck)}
`.replaceAll('\n', '');
