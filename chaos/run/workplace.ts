/** Where a run takes place: directories, disks, network, launcher. Everything is marked, and swept at the end. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunMark } from '../cleanup/run-mark.ts';
import { workDirectory } from '../cleanup/run-mark.ts';
import type { ChaosArguments } from '../cli/arguments.ts';
import { ClockFiles } from '../nemesis/clock-faults.ts';
import type { FaultName } from '../nemesis/fault.ts';
import type { ClusterNetwork } from '../network/cluster-network.ts';
import { LoopbackNetwork } from '../network/loopback-network.ts';
import { NamespaceNetwork } from '../network/namespace-network.ts';
import type { Launcher } from '../support/launch.ts';
import type { Environment } from './environment.ts';
import { mountDisk } from './environment.ts';

/** Lines that are worse than cut need a proxy. */
const PROXIED: readonly FaultName[] = ['delay', 'loss', 'duplicate'];

export interface Workplace {
  readonly launcher: Launcher;
  readonly network: ClusterNetwork;
  readonly clocks: ClockFiles | null;
  /** The disks of the nodes; gone when the run is over. */
  readonly dataDirectory: string;
  /** What remains: report, history, logs. */
  readonly reportDirectory: string;
}

/** `mark`: everything that is made here must carry it. */
export async function openWorkplace(
  args: ChaosArguments,
  { networkKind, nemeses, faketimeLibrary }: Environment,
  { mark, launcher }: { readonly mark: RunMark; readonly launcher: Launcher },
): Promise<Workplace> {
  const dataDirectory = workDirectory(mark);
  mkdirSync(dataDirectory, { recursive: true });
  const reportDirectory = makeReportDirectory(args);
  if (nemeses.includes('disk-full')) {
    for (let place = 1; place <= args.nodes; place += 1) await mountDisk(join(dataDirectory, `place-${place}`));
  }
  const clocks =
    nemeses.includes('clock') && faketimeLibrary !== null ? new ClockFiles(faketimeLibrary, dataDirectory) : null;
  for (let place = 0; place < args.nodes; place += 1) await clocks?.setOffset(place, 0);
  const proxies = { launcher, logFile: join(reportDirectory, 'proxies.log'), seed: args.seed };
  const hasProxies = nemeses.some((name) => PROXIED.includes(name));
  const network =
    networkKind === 'loopback'
      ? await LoopbackNetwork.open(args.nodes, proxies)
      : await NamespaceNetwork.open({ ...proxies, mark, nodes: args.nodes, hasProxies });
  return { launcher, network, clocks, dataDirectory, reportDirectory };
}

/** Keeps the directories of the nodes as evidence; those of the disk. */
export function keepData({ dataDirectory, reportDirectory }: Workplace): void {
  cpSync(dataDirectory, join(reportDirectory, 'data'), {
    recursive: true,
    filter: (path) => !path.endsWith('/filler'),
  });
}

function makeReportDirectory({ reportDirectory, seed }: ChaosArguments): string {
  const time = new Date().toISOString().replaceAll(/[:.]/g, '-').slice(0, 19);
  const directory = join(reportDirectory, `${time}-seed-${seed}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}
