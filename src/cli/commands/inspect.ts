/** `inspect`: what is in a data directory, or in a backup. */
import type { InspectedEntry } from '../../storage/lmdb/offline/index.ts';
import { inspectBackup, inspectStorage } from '../../storage/lmdb/offline/index.ts';
import { UsageError } from '../arguments.ts';
import { backupText } from '../backup-text.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODES } from '../command.ts';
import { hasDamageIn } from '../findings-text.ts';
import { isFile } from '../is-file.ts';
import { payloadText } from '../payload-text.ts';
import { storageText } from '../storage-text.ts';

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'show what is in a data directory or in a backup',
  usage: ['[options] DIRECTORY', '[options] BACKUP'],
  about: [
    "Shows whose data it is, term and vote, the log's positions, the members, the snapshots, and entries of the log. The entries that are shown and all behind the newest snapshot are checked; of snapshots only the ends are (see verify).",
    'Changes nothing, and works while a node runs on the directory: then it shows one moment of it. A backup is read and checked as a whole.',
  ],
  options: [
    { name: 'from', value: 'INDEX', text: 'the first entry to show' },
    { name: 'to', value: 'INDEX', text: 'the last entry to show' },
    { name: 'limit', value: 'COUNT', text: 'show at most so many entries (10); without --from the last' },
    { name: 'payloads', value: null, text: 'show what is in the entries' },
  ],
  run,
};

async function run({ args, work, print }: Call): Promise<number> {
  const path = args.only('the directory or backup to inspect');
  const fromIndex = args.integer('from', 1);
  const to = args.integer('to', 1);
  const limit = args.integer('limit', 0);
  const withPayloads = args.has('payloads');
  if (await isFile(path)) {
    if ([fromIndex, to, limit].some((value) => value !== undefined) || withPayloads) {
      throw new UsageError('--from, --to, --limit and --payloads are for directories, not for backups');
    }
    const content = await inspectBackup({ file: path, ...work });
    print(content, () => backupText(content));
    return EXIT_CODES.ok;
  }
  const toIndex = to === undefined ? undefined : to + 1;
  const report = await inspectStorage({ directory: path, fromIndex, toIndex, limit, ...work });
  const entries = report.entries.map((entry) => shownEntry(entry, withPayloads));
  print({ ...report, entries }, () => storageText(report, withPayloads));
  return hasDamageIn(report.findings) ? EXIT_CODES.damaged : EXIT_CODES.ok;
}

/** For JSON. */
function shownEntry({ payload, ...entry }: InspectedEntry, withPayload: boolean): object {
  if (!withPayload || entry.kind !== 'normal') return entry;
  return { ...entry, payload, text: payloadText(payload, Number.POSITIVE_INFINITY) };
}
