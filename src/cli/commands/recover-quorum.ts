/** `recover-quorum`: a survivor goes on alone. */
import type { RecoveryPlan } from '../../storage/lmdb/offline/index.ts';
import { recoverQuorum } from '../../storage/lmdb/offline/index.ts';
import { checkAddress, UsageError } from '../arguments.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODES } from '../command.ts';
import { recoveryText } from '../recovery-text.ts';
import type { Terminal } from '../terminal.ts';

export const recoverQuorumCommand: Command = {
  name: 'recover-quorum',
  summary: 'let a survivor go on alone, when a majority is lost for good',
  usage: ['[options] DIRECTORY --node-id ID'],
  about: [
    'The last resort, for when so many voters are gone for ever that no majority can come back. Makes the stopped survivor the only voter of a new cluster. Restart or repair the lost nodes instead, if that is possible in any way.',
    'Writes that were acknowledged but never reached this node are lost. Entries that it has but that were never committed take effect. Of several survivors, inspect each, and recover only the one whose last entry has the highest term and, of those, the highest index.',
    'Appends a membership entry in a new term and gives the directory a new cluster id; nothing in the log is changed. Nodes of the old cluster and this one refuse each other from then on. Start it, then add further nodes, with empty directories and ids that were never used.',
    'Copy the directory first. Asks before it changes anything.',
  ],
  options: [
    { name: 'node-id', value: 'ID', text: 'the id of the survivor whose directory it is' },
    { name: 'address', value: 'HOST:PORT', text: 'where others reach it (where they did so far)' },
    { name: 'yes', value: null, text: 'do not ask' },
    { name: 'dry-run', value: null, text: 'say what would be changed, and change nothing' },
  ],
  run,
};

async function run({ args, terminal, work, print }: Call): Promise<number> {
  const directory = args.only('the directory of the survivor');
  args.required('node-id', 'the id of the survivor');
  const nodeId = args.integer('node-id', 1) ?? 1;
  const address = args.text('address');
  if (address !== undefined) checkAddress(address);
  const isDryRun = args.has('dry-run');
  const mustAsk = !isDryRun && !args.has('yes');
  if (mustAsk && !terminal.isInteractive) {
    throw new UsageError('nobody is there to be asked: look at --dry-run first, then say --yes');
  }
  const confirm = (plan: RecoveryPlan): boolean | Promise<boolean> => !mustAsk || ask(terminal, plan, work.signal);
  const { plan, isDone } = await recoverQuorum({ directory, nodeId, address, isDryRun, confirm, ...work });
  const outcome = isDone ? 'done' : isDryRun ? 'dry-run' : 'declined';
  print({ outcome, plan }, () => recoveryText(plan, outcome));
  return outcome === 'declined' ? EXIT_CODES.failed : EXIT_CODES.ok;
}

/** The plan is what is asked about. The name of the cluster can't be typed by mistake. */
async function ask(terminal: Terminal, plan: RecoveryPlan, signal: AbortSignal | undefined): Promise<boolean> {
  const { clusterName } = plan.before.identity;
  terminal.error(`${recoveryText(plan, 'dry-run')}\n\n`);
  const never = new AbortController().signal;
  const answer = await terminal.ask(`Type the name of the cluster, ${clusterName}, to go on: `, signal ?? never);
  return answer.trim() === clusterName;
}
