/** `verify`: is everything in a data directory or a backup sound? */
import type { VerifyReport } from '../../storage/lmdb/offline/index.ts';
import { inspectBackup, verifyStorage } from '../../storage/lmdb/offline/index.ts';
import { backupText } from '../backup-text.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODES } from '../command.ts';
import { findingsText } from '../findings-text.ts';
import { isFile } from '../is-file.ts';
import { countOf } from '../layout.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'read and check everything in a data directory or in a backup',
  usage: ['[options] DIRECTORY', '[options] BACKUP'],
  about: [
    'Reads every entry of the log, every byte of the snapshots and every row of a state on disk, and checks them against their checksums and against each other. Lists what is wrong, with file and index. Exit code 2 says that there is damage; notes are none.',
    'Changes nothing, and works while a node runs on the directory. Long work shows its progress on stderr.',
  ],
  options: [],
  run,
};

async function run({ args, work, print }: Call): Promise<number> {
  const path = args.only('the directory or backup to verify');
  if (await isFile(path)) {
    const content = await inspectBackup({ file: path, ...work });
    print(content, () => backupText(content));
    return EXIT_CODES.ok;
  }
  const report = await verifyStorage({ directory: path, ...work });
  print(report, () => reportText(report));
  return report.isSound ? EXIT_CODES.ok : EXIT_CODES.damaged;
}

function reportText(report: VerifyReport): string {
  const { directory, isInUse, isSound, findings, entryCount, snapshotCount, stateRowCount } = report;
  const read = [
    countOf(entryCount, 'entry', 'entries'),
    countOf(snapshotCount, 'snapshot'),
    ...(stateRowCount === null ? [] : [countOf(stateRowCount, 'row of the state', 'rows of the state')]),
  ];
  const use = isInUse ? ' (in use: this is one moment of it)' : '';
  const verdict = isSound ? `${directory} is sound${use}` : `${directory} is DAMAGED${use}`;
  const list = findings.length === 0 ? '' : `\n${findingsText(findings)}`;
  return `${verdict}\nsound: ${read.join(', ')}${list}`;
}
