/** `restore`: a new cluster out of a backup. */
import type { RestoreReport } from '../../storage/lmdb/offline/index.ts';
import { restoreBackup } from '../../storage/lmdb/offline/index.ts';
import { checkAddress, UsageError } from '../arguments.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODES } from '../command.ts';
import { indented, table, wrapped } from '../layout.ts';
import { positionText, sizeText, timeText } from '../values.ts';

export const restoreCommand: Command = {
  name: 'restore',
  summary: "make the data directory of a new cluster's first node from a backup",
  usage: ['[options] BACKUP --to DIRECTORY --node-id ID --address HOST:PORT'],
  about: [
    'The new node has the state of the backup and is the only voter of a new cluster. Its cluster id is new: nodes of the old cluster and this one refuse each other. Start it, then add the other nodes as new ones, with empty directories.',
    'The directory must be empty or not there; it appears when all of it is on the disk.',
  ],
  options: [
    { name: 'to', value: 'DIRECTORY', text: 'the data directory to make' },
    { name: 'node-id', value: 'ID', text: 'the id of the node' },
    { name: 'address', value: 'HOST:PORT', text: 'where others reach it' },
    { name: 'cluster-name', value: 'NAME', text: "as in the node's configuration (that of the backup)" },
    { name: 'dry-run', value: null, text: 'check the backup and write nothing' },
  ],
  run,
};

async function run({ args, work, print }: Call): Promise<number> {
  const file = args.only('the backup to restore');
  const directory = args.required('to', 'the data directory to make');
  args.required('node-id', 'the id of the node');
  const nodeId = args.integer('node-id', 1) ?? 1;
  const address = checkAddress(args.required('address', 'where others reach the node'));
  const clusterName = args.text('cluster-name');
  if (clusterName === '') throw new UsageError('--cluster-name must not be empty');
  const isDryRun = args.has('dry-run');
  const report = await restoreBackup({ file, directory, nodeId, address, clusterName, isDryRun, ...work });
  print({ ...report, isDryRun }, () => reportText(report, isDryRun));
  return EXIT_CODES.ok;
}

function reportText(report: RestoreReport, isDryRun: boolean): string {
  const { directory, file, identity, address, lastLogId, backup, blankedIndexes } = report;
  const { snapshot, entryCount, createdMs, source } = backup;
  const rows = [
    ['node', `${identity.nodeId} at ${address}, the only voter`],
    ['cluster', `'${identity.clusterName}', ${isDryRun ? 'with a new id' : `id ${identity.clusterId ?? 'none'}`}`],
    ['from', `${file}, made ${timeText(createdMs)} of node ${source.nodeId} of '${source.clusterName}'`],
    [
      'snapshot',
      snapshot === null ? 'none' : `${positionText(snapshot.meta.lastLogId)}, ${sizeText(snapshot.sizeBytes)}`,
    ],
    ['entries', `${entryCount}, of which ${blankedIndexes.length} with old memberships became blank`],
    ['last entry', `${positionText(lastLogId)}, the new membership`],
  ];
  const next = `${isDryRun ? 'Then start' : 'Start'} node ${identity.nodeId} on it with clusterName '${identity.clusterName}', and call addVoter for each further node, with an empty directory.`;
  return `${isDryRun ? 'Would make' : 'Made'} ${directory}\n${indented(table(rows))}\n\n${wrapped(next, 100)}`;
}
