/** Are two entries the same? */
import type { Entry } from '../../../core/entry.ts';
import type { Membership } from '../../../core/membership/membership.ts';

export function isSameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  const isSameHead =
    a.logId.index === b.logId.index && a.logId.term === b.logId.term && a.kind === b.kind && a.timeMs === b.timeMs;
  return isSameHead && isSameBytes(a.payload, b.payload) && isSameMembership(a.membership, b.membership);
}

function isSameMembership(a: Membership | null, b: Membership | null): boolean {
  if (a === b || a === null || b === null) return a === b;
  return (
    describeMembership(a) === describeMembership(b) && JSON.stringify([...a.nodes]) === JSON.stringify([...b.nodes])
  );
}

/** Voter sets and learners, e.g. `{1,2,3}+{1,2,4} learners 5`. */
export function describeMembership({ configs, nodes, retainRemoved }: Membership): string {
  const sets = configs.map((config) => `{${config.join(',')}}`).join('+');
  const learners = [...nodes.keys()].filter((id) => !configs.some((config) => config.includes(id)));
  return `${sets}${learners.length > 0 ? ` learners ${learners.join(',')}` : ''}${retainRemoved ? ' retain' : ''}`;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let position = 0; position < a.byteLength; position += 1) if (a[position] !== b[position]) return false;
  return true;
}
