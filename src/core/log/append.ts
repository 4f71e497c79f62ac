/** The two ways a log changes at its end. */
import type { Core } from '../context.ts';
import type { Entry } from '../entry.ts';
import { entryBytes } from '../entry.ts';
import type { LogIndex } from '../ids.ts';
import { invariant } from '../invariants.ts';
import { updateRole } from '../role/own-role.ts';

/** Appends one entry; a membership in it is effective from now on (§6). */
export function appendToLog(core: Core, entry: Entry): void {
  const { state, out } = core;
  state.log.append(entry.logId.term, 1);
  state.sizes.append(entryBytes(entry));
  state.lastTimeMs = Math.max(state.lastTimeMs, entry.timeMs);
  out.append(entry);
  if (entry.membership === null) return;
  state.membership.append({ logId: entry.logId, membership: entry.membership });
  out.add({ type: 'membership-effective', membership: state.membership.effective, isCommitted: false });
  updateRole(core);
}

/** Removes `fromIndex` and everything after it; a membership in there is no longer effective. */
export function truncateLog(core: Core, fromIndex: LogIndex): void {
  const { state, out } = core;
  if (fromIndex > state.log.lastIndex) return;
  invariant(
    fromIndex > state.commitIndex,
    'I3',
    () => `truncating committed entries from ${fromIndex}, commit ${state.commitIndex}`,
  );
  invariant(state.role.name !== 'leader', 'I9', () => `a leader truncating its own log from ${fromIndex}`);
  state.log.truncateFrom(fromIndex);
  state.sizes.truncateFrom(fromIndex);
  out.truncate(fromIndex);
  state.durableIndex = state.durable.index();
  state.verifiedIndex = Math.min(state.verifiedIndex, fromIndex - 1);
  if (!state.membership.truncateFrom(fromIndex)) return;
  const isCommitted = state.membership.effective === state.membership.committed;
  out.add({ type: 'membership-effective', membership: state.membership.effective, isCommitted });
  updateRole(core);
}
