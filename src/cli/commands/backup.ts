/** `backup`: a data directory in one file. */
import type { BackupReport } from '../../storage/lmdb/offline/index.ts';
import { backupStorage, inspectBackup } from '../../storage/lmdb/offline/index.ts';
import { UsageError } from '../arguments.ts';
import { backupText, headerText } from '../backup-text.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODES } from '../command.ts';
import { countOf } from '../layout.ts';
import { sizeText } from '../values.ts';

export const backupCommand: Command = {
  name: 'backup',
  summary: 'write the committed data of a directory to one file',
  usage: ['[options] DIRECTORY --to FILE', '--verify FILE'],
  about: [
    'Copies the newest sound snapshot and the committed entries behind it. Works while a node runs on the directory, and does not hold it up. The file gets its name when all of it is on the disk; one that exists is not overwritten.',
    'The backup ends with the last entry that is known to be committed. A node that was shut down has noted all of them; a running one is a few behind: have it build a snapshot first (trigger().snapshot()) when the newest writes matter.',
  ],
  options: [
    { name: 'to', value: 'FILE', text: 'the file to write' },
    { name: 'dry-run', value: null, text: 'write nothing, say what would be written' },
    { name: 'verify', value: 'FILE', text: 'read and check a backup instead of making one' },
  ],
  run,
};

async function run({ args, work, print }: Call): Promise<number> {
  const verified = args.text('verify');
  if (verified !== undefined) {
    if (args.has('to') || args.has('dry-run')) throw new UsageError('--verify goes with no other option');
    const content = await inspectBackup({ file: verified, ...work });
    print(content, () => backupText(content));
    return EXIT_CODES.ok;
  }
  const directory = args.only('the directory to back up');
  const file = args.required('to', 'the file to write');
  const isDryRun = args.has('dry-run');
  const report = await backupStorage({ directory, file, isDryRun, ...work });
  print({ ...report, isDryRun }, () => reportText(report, isDryRun));
  return EXIT_CODES.ok;
}

function reportText({ file, header, sizeBytes, lastLogId }: BackupReport, isDryRun: boolean): string {
  const head = isDryRun ? `Would write ${file}, about ${sizeText(sizeBytes)}` : `Wrote ${file}, ${sizeText(sizeBytes)}`;
  const left = lastLogId.index - header.lastLogId.index;
  const rest =
    left <= 0 ? '' : `\n\nNot in it: ${countOf(left, 'entry', 'entries')} that this node does not know to be committed`;
  return `${head}\n${headerText(header)}${rest}`;
}
