/** A violation in one line: for terminals, logs and the messages of failed tests. */
import type { ShownOperation, ShownViolation } from '../explain/violation.ts';
import { formatTime } from './text.ts';

/**
 * Names what fits nowhere, and the other answers of the conflict:
 * `key "x", 9 operations: no place for 'read → 1' (client 2, from 13 to 15) beside 'write 2' (client 1, from 6 to 12)`
 */
export function violationText<Input, Output>({ partition, operations, total }: ShownViolation<Input, Output>): string {
  const stuck = operations.filter(({ role }) => role === 'stuck');
  const placed = operations.filter(({ role }) => role === 'placed');
  const beside = placed.length === 0 ? '' : ` beside ${listOf(placed)}`;
  return `${partition}, ${total} operations: no place for ${listOf(stuck)}${beside}`;
}

function listOf(operations: readonly ShownOperation<unknown, unknown>[]): string {
  return operations.map(describe).join(', ');
}

function describe({ operation, label }: ShownOperation<unknown, unknown>): string {
  const end = operation.type === 'unknown' ? ', never answered' : ` to ${formatTime(operation.returnAt)}`;
  return `'${label}' (${operation.process}, from ${formatTime(operation.callAt)}${end})`;
}
