/** Rows out of several layers as if they were one: what lies above hides what is below. */
import type { RowChange } from './change-layer.ts';
import type { RowKey } from './state-key.ts';

/** A row that is there. */
export type Row = readonly [key: RowKey, value: Uint8Array];

interface Source {
  readonly changes: Iterator<RowChange, unknown>;
  head: RowChange | null;
}

/**
 * Rows in order, from sources in that order, the uppermost first. Each is read one row ahead and closed at the end, or
 * by `return`.
 */
export function* mergedRows(
  sources: readonly Iterator<RowChange, unknown>[],
  isReverse: boolean,
): Generator<Row, void> {
  try {
    const open: Source[] = sources.map((changes) => ({ changes, head: headOf(changes) }));
    for (let first = firstOf(open, isReverse); first !== null; first = firstOf(open, isReverse)) {
      const [key, value] = first;
      for (const source of open) if (source.head?.[0] === key) source.head = headOf(source.changes);
      if (value !== null) yield [key, value];
    }
  } finally {
    for (const changes of sources) changes.return?.();
  }
}

function headOf(changes: Iterator<RowChange, unknown>): RowChange | null {
  const { done, value } = changes.next();
  return done === true ? null : value;
}

/** Of equal keys, that of the uppermost. */
function firstOf(sources: readonly Source[], isReverse: boolean): RowChange | null {
  let first: RowChange | null = null;
  for (const { head } of sources) {
    if (head === null) continue;
    if (first === null || (isReverse ? head[0] > first[0] : head[0] < first[0])) first = head;
  }
  return first;
}
