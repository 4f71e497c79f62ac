/** A data directory, as text. */
import type { InspectedEntry, StorageReport } from '../storage/lmdb/offline/index.ts';
import { MEMBER_HEADINGS } from './backup-text.ts';
import { findingsText } from './findings-text.ts';
import type { Row } from './layout.ts';
import { countOf, countText, headedTable, indented, table } from './layout.ts';
import { payloadText } from './payload-text.ts';
import { checksumText, membershipRows, positionText, sizeText, timeText, votersText } from './values.ts';

/** So that a line of text stays one line. */
const PAYLOAD_CHARACTERS = 100;

export function storageText(report: StorageReport, withPayloads: boolean): string {
  const sections = [
    ownerText(report),
    logText(report),
    membersText(report),
    snapshotsText(report),
    entriesText(report, withPayloads),
    findingsText(report.findings),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function ownerText({ directory, isInUse, identity, hardState, recovery }: StorageReport): string {
  const use = isInUse ? 'in use: it may look different by now' : 'not in use';
  const { term, votedFor } = hardState;
  const rows: Row[] = [
    ['node', identity === null ? 'not known' : String(identity.nodeId)],
    ['cluster', identity === null ? 'not known' : `'${identity.clusterName}', id ${identity.clusterId ?? 'none yet'}`],
    ['store', identity?.instanceId ?? 'not known'],
    ['term', votedFor === null ? `${term}, no vote given` : `${term}, voted for node ${votedFor}`],
  ];
  if (recovery !== null) {
    const { timeMs, clusterId, lastLogId } = recovery;
    rows.push([
      'recovered',
      `${timeText(timeMs)} from cluster id ${clusterId ?? 'none'}, at ${positionText(lastLogId)}`,
    ]);
  }
  return `${directory} (${use})\n${indented(table(rows))}`;
}

function logText({ log, stateApplied }: StorageReport): string {
  const { firstIndex, lastLogId, committed, savedCommitted, lastPurged, groupCount } = log;
  const count = lastLogId.index - firstIndex + 1;
  const saved = savedCommitted.index === committed.index ? '' : ` (noted: ${positionText(savedCommitted)})`;
  const rows: Row[] = [
    ['purged', positionText(lastPurged)],
    ['committed', `${positionText(committed)}${saved}`],
    ['last', positionText(lastLogId)],
  ];
  if (stateApplied !== null) rows.push(['state on disk', positionText(stateApplied)]);
  const entries = count === 0 ? 'no entries' : countOf(count, 'entry', 'entries');
  return `Log: ${entries}, appended in ${countOf(groupCount, 'group')}\n${indented(table(rows))}`;
}

function membersText({ membership: { effective, committed } }: StorageReport): string {
  if (effective.membership.configs.length === 0) return 'Members: none, this node belongs to no cluster yet';
  const isCommitted = effective.logId.index === committed.logId.index;
  const state = isCommitted
    ? 'committed'
    : `not known to be committed; committed at ${positionText(committed.logId)}: voters ${votersText(committed.membership)}`;
  const head = `Members since ${positionText(effective.logId)}, ${state}`;
  return `${head}\n${indented(headedTable(MEMBER_HEADINGS, membershipRows(effective)))}`;
}

function snapshotsText({ snapshots }: StorageReport): string {
  if (snapshots.length === 0) return 'Snapshots: none';
  const rows = snapshots.map(
    ({ path, snapshot: { meta, sizeBytes, checksum, codecId } }): Row => [
      positionText(meta.lastLogId),
      sizeText(sizeBytes),
      votersText(meta.membership.membership),
      checksumText(checksum),
      codecId,
      path.slice(path.lastIndexOf('snapshots')),
    ],
  );
  const headings = ['last entry', 'size', 'voters', 'checksum', 'format', 'file'];
  return `Snapshots\n${indented(headedTable(headings, rows))}`;
}

function entriesText({ entries, log }: StorageReport, withPayloads: boolean): string {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return '';
  const range = `${countText(log.firstIndex)} to ${countText(log.lastLogId.index)}`;
  const head = `Entries ${countText(first.logId.index)} to ${countText(last.logId.index)} (of ${range}: --from, --to, --limit)`;
  const headings = ['index', 'term', 'kind', 'time', 'size', withPayloads ? 'content' : ''];
  return `${head}\n${indented(
    headedTable(
      headings,
      entries.map((entry) => entryRow(entry, withPayloads)),
    ),
  )}`;
}

function entryRow({ logId, kind, timeMs, sizeBytes, payload, membership }: InspectedEntry, withPayload: boolean): Row {
  let content = '';
  if (membership !== null) content = `voters ${votersText(membership)}`;
  else if (withPayload && kind === 'normal') content = payloadText(payload, PAYLOAD_CHARACTERS);
  return [logId.index, logId.term, kind, timeText(timeMs), sizeText(sizeBytes), content];
}
