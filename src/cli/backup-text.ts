/** A backup, as text. */
import type { BackupContent, BackupHeader } from '../storage/lmdb/offline/index.ts';
import { countText, headedTable, indented, table } from './layout.ts';
import { checksumText, membershipRows, positionText, sizeText, timeText } from './values.ts';

export const MEMBER_HEADINGS: readonly string[] = Object.freeze(['id', 'role', 'address', 'store', 'metadata']);

export function backupText({ file, sizeBytes, header, membership }: BackupContent): string {
  return [
    `Backup ${file}, ${sizeText(sizeBytes)}, sound`,
    '',
    headerText(header),
    '',
    `Members at ${positionText(membership.logId)}`,
    indented(headedTable(MEMBER_HEADINGS, membershipRows(membership))),
  ].join('\n');
}

export function headerText({ createdMs, source, hardState, lastLogId, snapshot, entryCount }: BackupHeader): string {
  const { clusterName, clusterId, nodeId, instanceId } = source;
  const ofSnapshot =
    snapshot === null
      ? 'none: it has all entries'
      : `${positionText(snapshot.meta.lastLogId)}, ${sizeText(snapshot.sizeBytes)}, checksum ${checksumText(snapshot.checksum)}, ${snapshot.codecId}`;
  return indented(
    table([
      ['made', timeText(createdMs)],
      ['of', `node ${nodeId} of cluster '${clusterName}'`],
      ['cluster id', clusterId ?? 'none'],
      ['store', instanceId],
      ['term', String(hardState.term)],
      ['last entry', positionText(lastLogId)],
      ['snapshot', ofSnapshot],
      ['entries', `${countText(entryCount)} behind the snapshot`],
    ]),
  );
}
