/** What a recovery changes and what that means, as text. */
import type { RecoveryPlan, RecoveryState } from '../storage/lmdb/offline/index.ts';
import { countOf, headedTable, indented, table, wrapped } from './layout.ts';
import { entriesText, nodesText, positionText, votersText } from './values.ts';

const WIDTH = 100;

export function recoveryText(plan: RecoveryPlan, outcome: 'done' | 'dry-run' | 'declined'): string {
  const { directory, nodeId, before, after } = plan;
  if (outcome === 'declined') return `Nothing was changed in ${directory}`;
  const isDone = outcome === 'done';
  const newId = isDone ? (after.identity.clusterId ?? 'none') : 'a new one';
  const ids = table([
    ['old cluster id', before.identity.clusterId ?? 'none'],
    ['new cluster id', newId],
  ]);
  return [
    `${isDone ? 'Made' : 'Would make'} node ${nodeId} in ${directory} the only voter of a new cluster`,
    indented(changesText(plan)),
    indented(ids),
    meaning(plan),
  ].join('\n\n');
}

function changesText({ nodeId, before, after }: RecoveryPlan): string {
  const row = (name: string, show: (state: RecoveryState) => string): string[] => [name, show(before), show(after)];
  return headedTable(
    ['', 'before', 'after'],
    [
      row('voters', ({ membership }) => votersText(membership)),
      row('address', ({ membership }) => membership.nodes.get(nodeId)?.addr ?? 'not known'),
      row('term', ({ hardState }) => String(hardState.term)),
      row('last entry', ({ lastLogId }) => positionText(lastLogId)),
      row('committed', ({ committed }) => positionText(committed)),
    ],
  );
}

/** What may be lost, what may come back, who is shut out, and what to do next. */
function meaning({ nodeId, before, after, resurrected, lostMembers, isLogDiscarded }: RecoveryPlan): string {
  const lost = nodesText(lostMembers);
  const points = [
    `Lost: writes that ${lost} acknowledged and that never reached node ${nodeId}. If one of them survives, stop here: inspect it too, and recover the one with the later last entry (here ${positionText(before.lastLogId)}: the higher term, then the higher index).`,
    resurrected === null
      ? 'Brought back: nothing; all entries are known to be committed.'
      : `Brought back: ${entriesText(resurrected.fromIndex, resurrected.toIndex)} (${countOf(resurrected.toIndex - resurrected.fromIndex, 'entry', 'entries')}) may never have been committed, and take effect now. Callers may have been told that they failed.`,
    `Shut out: ${lost}. They and this node refuse each other, as their clusters have different ids. Remove their data before they join again.`,
    `Changed in the log's database, in one commit: identity, hard state and committed position; appended: entry ${positionText(after.lastLogId)}.${isLogDiscarded ? ' Removed: the entries, which a snapshot was about to replace.' : ' No entry is changed or removed.'}`,
    `Next: start node ${nodeId}, check what it serves, and add further nodes with empty directories and ids that were never used.`,
  ];
  return points.map((point) => wrapped(`- ${point}`, WIDTH).replaceAll('\n', '\n  ')).join('\n');
}
