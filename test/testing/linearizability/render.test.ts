/** What a person is shown of a violation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import type { ShownViolation } from '../../../src/testing/linearizability/explain/violation.ts';
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { casRegisterModel } from '../../../src/testing/linearizability/models/cas-register.ts';
import { counterModel } from '../../../src/testing/linearizability/models/counter.ts';
import { registerModel } from '../../../src/testing/linearizability/models/register.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { renderTimeline } from '../../../src/testing/linearizability/render/timeline.ts';
import { renderTimelineSvg } from '../../../src/testing/linearizability/render/timeline-svg.ts';
import { violationText } from '../../../src/testing/linearizability/render/violation-text.ts';
import { ask, done, unknown } from './operations.ts';

function violationOf<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): ShownViolation<Input, Output> {
  const result = checkLinearizability(operations, model);
  assert.equal(result.verdict, 'violation');
  return result.violation;
}

const read = { type: 'read' as const };
const write = (value: number | string) => ({ type: 'write' as const, value });

const staleRead = violationOf(
  [
    done(ask('client 1', write(1)), null, [0, 5]),
    done(ask('client 2', { type: 'cas' as const, from: 1, to: 2 }), true, [6, 12]),
    unknown(ask('client 4', write(9)), 7),
    done(ask('client 3', read), 1, [13.5, 15]),
  ],
  casRegisterModel(),
);

describe('a violation in one line', () => {
  test('names what fits nowhere, who asked for it and when, and what it contradicts', () => {
    assert.equal(
      violationText(staleRead),
      "the whole history, 4 operations: no place for 'read → 1' (client 3, from 13.5 to 15) beside " +
        "'cas 1 to 2 → done' (client 2, from 6 to 12)",
    );
  });
});

describe('the page about a violation', () => {
  const textOf = (html: string): string => {
    const text = html.replaceAll(/<(style|title)>.*?<[/](style|title)>|<[^>]*>/gs, '').replaceAll('&#39;', "'");
    return text.replaceAll(/\s+/g, ' ');
  };
  const page = renderTimeline(staleRead, { title: 'Stale <read>', timeUnit: 'ms' });

  test('says how the answers that contradict each other lie in time', () => {
    const text = textOf(page);
    assert.match(text, /The 2 answers in red and blue can't both be right, whatever the other 2 operations/);
    assert.match(text, /read → 1 was called 1\.5 ms after cas 1 to 2 → done had returned\./);
  });

  test('lists the order that comes farthest, with times and states, and what has no place in it', () => {
    const text = textOf(page);
    assert.match(text, /At first the state is null/);
    assert.match(text, /cas 1 to 2 → done by client 2, 6 to 12: the state is then 2/);
    assert.match(text, /The state is now 2, and nowhere in this order is there a place for ?read → 1 by client 3/);
  });

  test('needs nothing from elsewhere, and shows texts as they are', () => {
    assert.match(page, /<h1>Stale &lt;read&gt;<\/h1>/);
    assert.doesNotMatch(page.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|src=|href=|<script/);
  });

  test('says so when operations were under way at the same time', () => {
    const add = { type: 'add' as const, amount: 1 };
    const lost = violationOf([done(ask('A', add), 1, [0, 5]), done(ask('B', add), 1, [1, 6])], counterModel());
    const text = textOf(renderTimeline(lost));
    assert.match(text, /add 1 → 1 and add 1 → 1 were under way at the same time: calls and returns leave open which/);
  });

  test('shows the last answers of a conflict that is too large for a page, and says that there are more', () => {
    const adds = Array.from({ length: 30 }, (_, n) =>
      done(ask(`p${n % 4}`, { type: 'add' as const, amount: 1 }), null, [n, n + 0.5] as const),
    );
    const violation = violationOf([...adds, done(ask('r', { type: 'get' as const }), 29, [40, 41])], counterModel());
    assert.equal(violation.conflict, 31);
    assert.ok(violation.operations.length <= 10);
    assert.match(
      textOf(renderTimeline(violation)),
      /The 31 answers in red and blue can't all be right\. The last 9 of/,
    );
  });
});

describe('the picture of a violation', () => {
  test('has a lane for each process, a cross for what is stuck, a number for each place, and an axis with a name', () => {
    const svg = renderTimelineSvg(staleRead, { timeUnit: 'ms' });
    assert.equal(
      svg.match(/class="lane"/g)?.length,
      new Set(staleRead.operations.map((o) => o.operation.process)).size,
    );
    assert.equal(svg.match(/class="cross"/g)?.length, 1);
    assert.equal(svg.match(/class="point"/g)?.length, staleRead.steps.length);
    assert.match(svg, /times of calls and returns in ms; those with \+ count from the first one/);
  });

  test('keeps texts apart: no label of a lane begins before the one to its left has ended', () => {
    const long = (n: number): string => `a value that is long, number ${n}, and goes on and on and on`;
    const operations = Array.from({ length: 12 }, (_, n) =>
      done(ask(`p${n % 3}`, write(long(n))), null, [n, n + 0.5] as const),
    );
    const violation = violationOf([...operations, done(ask('p0', read), long(3), [20, 21])], registerModel());
    const svg = renderTimelineSvg(violation);
    const labels = [...svg.matchAll(/class="label" x="([\d.]+)" y="([\d.]+)">([^<]*)</g)].map(([, x, y, text]) => {
      return { x: Number(x), y: Number(y), text: text ?? '' };
    });
    assert.ok(labels.length >= 3);
    for (const { x, y, text } of labels) {
      const next = Math.min(...labels.filter((other) => other.y === y && other.x > x).map((other) => other.x));
      // Entities are one character on the screen.
      assert.ok(x + text.replaceAll(/&\w+;|&#\d+;/g, '.').length * 7.3 <= next, text);
    }
  });
});
