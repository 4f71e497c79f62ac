/** Compares what clients were told with what the nodes applied: every acknowledged write once, no failed one at all. */
import type { Operation } from 'zlayer-consensus/testing';
import type { ClientInput, ClientOutput } from '../client/operation.ts';
import { isRead } from '../client/operation.ts';

export interface LedgerFindings {
  readonly acknowledged: number;
  /** Numbers of operations. */
  readonly lost: readonly number[];
  readonly appliedTwice: readonly number[];
  /** The client was told that they were not applied. */
  readonly appliedThoughFailed: readonly number[];
  /** Nobody ever asked for them. */
  readonly phantoms: readonly number[];
}

/** `operations`: by their numbers, from 0. `ledger`: how often each write was applied, by the number of its call. */
export function checkLedger(
  operations: readonly Operation<ClientInput, ClientOutput>[],
  ledger: readonly (readonly [number, number])[],
): LedgerFindings {
  const applied = new Map(ledger);
  const writes = [...operations.entries()].filter(([, { input }]) => !isRead(input));
  const idsOf = (type: string, isFound: boolean): readonly number[] =>
    writes.filter(([id, operation]) => operation.type === type && applied.has(id) === isFound).map(([id]) => id);
  return {
    acknowledged: writes.filter(([, { type }]) => type === 'ok').length,
    lost: idsOf('ok', false),
    appliedTwice: ledger.filter(([, times]) => times > 1).map(([id]) => id),
    appliedThoughFailed: idsOf('failed', true),
    phantoms: ledger
      .map(([id]) => id)
      .filter((id) => {
        const operation = operations[id];
        return operation === undefined || isRead(operation.input);
      }),
  };
}

/** For people; empty when all is well. */
export function describeLedger({
  lost,
  appliedTwice,
  appliedThoughFailed,
  phantoms,
}: LedgerFindings): readonly string[] {
  return [
    listed(lost, 'acknowledged and lost'),
    listed(appliedTwice, 'applied more than once'),
    listed(appliedThoughFailed, 'applied although the client was told that it failed'),
    listed(phantoms, 'applied although nobody asked for it'),
  ].flat();
}

function listed(ids: readonly number[], what: string): readonly string[] {
  if (ids.length === 0) return [];
  const some = ids.slice(0, 10).join(', ');
  return [`${ids.length} writes were ${what}: operations ${some}${ids.length > 10 ? ', ...' : ''}`];
}
