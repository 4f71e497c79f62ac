/** What this machine allows, and what has to be left out. */
import { globSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChaosArguments } from '../cli/arguments.ts';
import { UsageError } from '../cli/exit-codes.ts';
import type { FaultName } from '../nemesis/fault.ts';
import { namespaceProblem } from '../network/namespace-network.ts';
import { runCommand } from '../support/run-command.ts';

export interface Environment {
  readonly networkKind: 'namespaces' | 'loopback';
  readonly nemeses: readonly FaultName[];
  readonly leftOut: readonly { readonly nemesis: FaultName; readonly why: string }[];
  /** Null where it is not installed. */
  readonly faketimeLibrary: string | null;
}

const FAKETIME_PLACES = ['/usr/lib/*/faketime', '/usr/lib/faketime', '/usr/local/lib/faketime'];

/** What else can be done, for each that has needs. */
const ALTERNATIVES: Partial<Record<FaultName, string>> = {
  'disk-full': 'run it as root on Linux, or name other nemeses',
  clock: 'install it (Debian: apt-get install faketime), or name other nemeses',
};

/**
 * Tries what is needed. `directory`: where a disk may be mounted for a moment.
 * @throws UsageError when something was asked for by name that is not possible here
 */
export async function surveyEnvironment(args: ChaosArguments, directory: string): Promise<Environment> {
  const networkKind = await chooseNetwork(args);
  const faketimeLibrary = findFaketime();
  const problems: Partial<Record<FaultName, string | null>> = {
    'disk-full': args.nemeses.includes('disk-full') ? await diskProblem(directory) : null,
    clock: faketimeLibrary === null ? 'libfaketime is not installed' : null,
  };
  const leftOut = args.nemeses.flatMap((nemesis) => {
    const why = problems[nemesis] ?? null;
    return why === null ? [] : [{ nemesis, why: `${why}; ${ALTERNATIVES[nemesis] ?? ''}` }];
  });
  const [first] = leftOut;
  if (first !== undefined && args.isNamed) throw new UsageError(`--nemesis ${first.nemesis}: ${first.why}`);
  const nemeses = args.nemeses.filter((name) => leftOut.every(({ nemesis }) => nemesis !== name));
  return { networkKind, nemeses, leftOut, faketimeLibrary };
}

async function chooseNetwork({ network }: ChaosArguments): Promise<'namespaces' | 'loopback'> {
  if (network === 'loopback') return 'loopback';
  const problem = await namespaceProblem();
  if (problem === null) return 'namespaces';
  if (network === 'auto') return 'loopback';
  throw new UsageError(
    `--network namespaces: ${problem}; use --network loopback, which needs no privileges and knows the same faults`,
  );
}

function findFaketime(): string | null {
  return globSync(FAKETIME_PLACES.map((place) => `${place}/libfaketimeMT.so.1`))[0] ?? null;
}

/** How much room a node has where its disk is to be filled. */
const DISK_MEGABYTES = 64;

export async function mountDisk(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'zlayer-chaos', path]);
}

async function diskProblem(directory: string): Promise<string | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
  const path = join(directory, 'probe');
  try {
    await mountDisk(path);
    await runCommand('umount', [path]);
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `a small disk (tmpfs) can't be mounted here (${said})`;
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
