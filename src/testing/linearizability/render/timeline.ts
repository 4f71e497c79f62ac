/** A page about a violation, for people. */
import type { ShownOperation, ShownViolation } from '../explain/violation.ts';
import { escapeText, formatDuration, formatTime } from './text.ts';
import { renderTimelineSvg } from './timeline-svg.ts';

export interface TimelineOptions {
  /** Default: `Not linearizable`. */
  readonly title?: string;
  /** What the times of the history are in, for example `ms`. Default: it is not said. */
  readonly timeUnit?: string;
}

/**
 * A whole HTML page without references to anything else: what is wrong, the timeline, and the order that comes farthest
 * in words. Light or dark like the reader's system, and meant for a window of 1200 pixels.
 */
export function renderTimeline<Input, Output>(
  violation: ShownViolation<Input, Output>,
  { title = 'Not linearizable', timeUnit = '' }: TimelineOptions = {},
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
<p class="where">Model: ${escapeText(violation.model)}. Checked here: ${escapeText(violation.partition)}.</p>
${describeConflict(violation)}
${describeTimes(violation, timeUnit)}
<div class="picture">${renderTimelineSvg(violation, { timeUnit })}</div>
${LEGEND}
${describeOrder(violation)}
</body>
</html>
`;
}

function describeConflict(violation: ShownViolation<unknown, unknown>): string {
  const { operations, conflict, total, isMinimal, partition } = violation;
  const others = total - conflict;
  if (!isMinimal) {
    const sorry = 'A smaller example was not found in time; this is where the search came farthest.';
    return `<p>No order explains ${conflict.toLocaleString('en')} answered operations of ${escapeText(partition)}. ${sorry}</p>`;
  }
  const claim = claimOf(violation);
  const shown = operations.filter(({ role }) => role === 'placed' || role === 'stuck').length;
  const hidden = shown < conflict ? ` The last ${shown} of them are shown.` : '';
  if (others === 0) return `<p>${claim}.${hidden}</p>`;
  const [rest, each] =
    others === 1 ? ['operation', 'it'] : [`${others.toLocaleString('en')} operations`, 'each of them'];
  const whatever = `whatever the other ${rest} of ${partition} did`;
  const even = `even if ${each} had taken effect at any time after its call, or never`;
  const isGrey = operations.some(({ role }) => role === 'context' || role === 'assumed');
  const context = isGrey ? ' Some of those are shown in grey, where they help to understand.' : '';
  return `<p>${escapeText(`${claim}, ${whatever}: ${even}.${hidden}${context}`)}</p>`;
}

function claimOf({ operations, conflict }: ShownViolation<unknown, unknown>): string {
  if (conflict === 1) return "The answer in red can't be right";
  const isBlue = operations.some(({ role }) => role === 'placed');
  const both = conflict === 2 ? "can't both be right" : "can't all be right";
  return isBlue ? `The ${conflict} answers in red and blue ${both}` : `The ${conflict} answers in red ${both}`;
}

/** So many sentences are still read; what more answers have to do with each other is better looked at. */
const RELATIONS_MAX = 4;

/** How the answers of the conflict lie in time: what was over before another one began can't come after it. */
function describeTimes({ operations }: ShownViolation<unknown, unknown>, timeUnit: string): string {
  const stuck = operations.filter(({ role }) => role === 'stuck');
  const placed = operations.filter(({ role }) => role === 'placed');
  const relations = stuck.flatMap((red) => placed.map((blue) => relationOf(red, blue, timeUnit)));
  if (relations.length > RELATIONS_MAX) return '';
  return `<ul>${relations.map((relation) => `<li>${relation}</li>`).join('')}</ul>`;
}

function relationOf(
  { operation: red, label }: ShownOperation<unknown, unknown>,
  blue: ShownOperation<unknown, unknown>,
  timeUnit: string,
): string {
  const redEnd = red.type === 'unknown' ? Number.POSITIVE_INFINITY : red.returnAt;
  const blueEnd = blue.operation.type === 'unknown' ? Number.POSITIVE_INFINITY : blue.operation.returnAt;
  const distance = (duration: number): string => escapeText(`${formatDuration(duration)} ${timeUnit}`.trim());
  const [one, other] = [`<span class="stuck">${code(label)}</span>`, `<span class="placed">${code(blue.label)}</span>`];
  if (blueEnd < red.callAt) return `${one} was called ${distance(red.callAt - blueEnd)} after ${other} had returned.`;
  if (redEnd < blue.operation.callAt) {
    return `${one} had returned ${distance(blue.operation.callAt - redEnd)} before ${other} was called.`;
  }
  return `${one} and ${other} were under way at the same time: calls and returns leave open which came first.`;
}

function describeOrder({ steps, operations, initialState, finalState }: ShownViolation<unknown, unknown>): string {
  const items = steps.map(({ operation, state, hiddenBefore }) => {
    const before = hiddenBefore === 0 ? '' : ` <span class="soft">(after ${hiddenBefore} more)</span>`;
    return `<li>${describeOperation(operations[operation])}${before}: the state is then ${code(state)}</li>`;
  });
  const stuck = operations.filter(({ role }) => role === 'stuck');
  return [
    '<h2>The order that comes farthest</h2>',
    `<p>At first the state is ${code(initialState)}.</p><ol>${items.join('')}</ol>`,
    `<p>The state is now ${code(finalState)}, and nowhere in this order is there a place for</p>`,
    `<ul class="stuck">${stuck.map((operation) => `<li>${describeOperation(operation)}</li>`).join('')}</ul>`,
  ].join('\n');
}

function describeOperation(shown: ShownOperation<unknown, unknown> | undefined): string {
  if (shown === undefined) return '';
  const { operation, label } = shown;
  const { type, process, callAt } = operation;
  const end = type === 'unknown' ? ', never answered' : ` to ${formatTime(operation.returnAt)}`;
  const who = `by ${process}, ${formatTime(callAt)}${end}`;
  return `${code(label)} <span class="soft">${escapeText(who)}</span>`;
}

function code(text: string): string {
  return `<code>${escapeText(text)}</code>`;
}

const LEGEND = `<p class="soft">A bar runs from the call to the return, and fades where the outcome is unknown. A numbered
dot is the operation's place in the order that comes farthest; the track on top has the state from there on. A red bar
with a cross has no place. Grey bars are not part of the conflict; +9 above the track says that nine
operations before that place are not shown. Only the order is to scale, not the distances; times are under the lanes.</p>`;

const STYLE = `
:root{color-scheme:light dark}
body{margin:24px auto;padding:0 10px;max-width:1180px;font:15px/1.5 system-ui,"Liberation Sans",sans-serif;color:#1c2430;background:#fff}
h1{margin:0;font-size:24px;color:#c0271a}
h2{margin:24px 0 4px;font-size:17px}
.where,.soft{color:#5c6878}
.where{margin:0 0 12px}
.picture{overflow-x:auto;margin:18px 0}
code{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:#f2f4f7;padding:1px 5px;border-radius:4px;overflow-wrap:anywhere}
ol,ul{margin:6px 0;padding-left:28px}
.stuck code{background:#fbd0cc}
.placed code{background:#cfe0f5}
@media (prefers-color-scheme:dark){
body{color:#e4e9f0;background:#12161c}
h1{color:#ff7b6e}
.where,.soft{color:#9aa7b8}
code{background:#1d232c}
.stuck code{background:#6b211b}
.placed code{background:#27466d}
}
`;
