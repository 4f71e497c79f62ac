/** Appending the application's requests. */
import type { Core } from '../context.ts';
import { ENTRY_OVERHEAD_BYTES, normalEntry } from '../entry.ts';
import { logId, NO_LOG_ID } from '../ids.ts';
import { appendToLog } from '../log/append.ts';
import type { ProposalRefusal } from '../refusal.ts';
import { nextTimeMs } from '../role/become-leader.ts';
import { notLeader } from '../role/follower.ts';
import type { Leader } from '../role/leader.ts';

/** Appends as many as the limit of uncommitted bytes allows, in order; the rest is refused. */
export function handlePropose(core: Core, payloads: readonly Uint8Array[]): void {
  const { state, out } = core;
  const refusal = refuseAll(core);
  if (refusal !== null || state.role.name !== 'leader') {
    out.add({ type: 'proposed', accepted: 0, firstLogId: NO_LOG_ID, refusal: refusal ?? notLeader(core) });
    return;
  }
  const { leader } = state.role;
  const firstLogId = logId(leader.term, state.log.lastIndex + 1);
  const timeMs = nextTimeMs(core);
  let uncommittedBytes = uncommitted(core, leader);
  let accepted = 0;
  for (const payload of payloads) {
    const bytes = payload.byteLength + ENTRY_OVERHEAD_BYTES;
    if (uncommittedBytes > 0 && uncommittedBytes + bytes > core.options.maxUncommittedBytes) break;
    uncommittedBytes += bytes;
    appendToLog(core, normalEntry(logId(leader.term, firstLogId.index + accepted), timeMs, payload));
    accepted += 1;
  }
  out.add({
    type: 'proposed',
    accepted,
    firstLogId,
    refusal: accepted === payloads.length ? null : tooMuch(core, uncommittedBytes),
  });
}

function refuseAll(core: Core): ProposalRefusal | null {
  const { role, transfer } = core.state;
  if (role.name !== 'leader') return notLeader(core);
  if (transfer !== null) return { code: 'transfer-in-progress', to: transfer.to };
  return null;
}

/** Bytes this leader appended that are not committed; the limit itself when there are too many entries to know. */
function uncommitted(core: Core, { blankIndex }: Leader): number {
  const { sizes, commitIndex, log } = core.state;
  const fromIndex = Math.max(commitIndex + 1, blankIndex);
  return sizes.bytesBetween(fromIndex, log.lastIndex + 1) ?? core.options.maxUncommittedBytes;
}

function tooMuch(core: Core, uncommittedBytes: number): ProposalRefusal {
  return { code: 'too-many-uncommitted-bytes', limitBytes: core.options.maxUncommittedBytes, uncommittedBytes };
}
