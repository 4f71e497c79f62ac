/** One run from beginning to end: form a cluster, break it while clients work, heal it, and look at what was promised. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunMark } from '../cleanup/run-mark.ts';
import type { ChaosArguments } from '../cli/arguments.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { Member } from '../cluster/member.ts';
import type { InflictedFault } from '../nemesis/fault-runner.ts';
import { runFaults } from '../nemesis/fault-runner.ts';
import { makeSchedule } from '../nemesis/schedule.ts';
import type { CheckReport, Finding, ReplicaReport } from '../report/result.ts';
import { Asker } from '../support/channel.ts';
import { monotonicMs } from '../support/monotonic.ts';
import type { CheckCommands } from './check-process.ts';
import { ClientsHandle } from './clients-handle.ts';
import type { Environment } from './environment.ts';
import { putRight, waitUntilHealed } from './heal.ts';
import { compareReplicas, describeDifferences } from './replicas.ts';
import type { Workplace } from './workplace.ts';

/** Clients work for a moment before the first fault, and after all is well again. */
const CALM_MS = 2000;
const SAME_STATE_MS = 20_000;
const CHECK_MS = 180_000;
const PROGRESS_MS = 10_000;
const SERVE_MS = 3000;

export interface ChaosRunOptions {
  readonly args: ChaosArguments;
  readonly environment: Environment;
  readonly workplace: Workplace;
  readonly mark: RunMark;
  readonly say: (line: string) => void;
}

/** What there is to report on, in the time of `monotonicMs`. */
export interface RunRecord {
  readonly findings: readonly Finding[];
  /** When the history's time is 0. */
  readonly originMs: number;
  readonly faultsStartMs: number;
  readonly faultsEndMs: number;
  readonly endMs: number;
  readonly faults: readonly InflictedFault[];
  readonly healedAfterMs: number | null;
  readonly check: CheckReport | null;
  readonly replicas: readonly ReplicaReport[];
  /** Null when it could not be had. */
  readonly ledger: readonly (readonly [number, number])[] | null;
}

export class ChaosRun {
  readonly #options: ChaosRunOptions;
  readonly #findings: Finding[] = [];
  readonly #cluster: Cluster;
  readonly #clients: ClientsHandle;
  readonly #startMs: number = monotonicMs();
  /** Ends the faults early: a node broke. */
  readonly #broken = new AbortController();

  constructor(options: ChaosRunOptions) {
    this.#options = options;
    const { args, environment, workplace, mark } = options;
    const { launcher, network, clocks, dataDirectory, reportDirectory } = workplace;
    const postingPlaces = new Set(
      Array.from({ length: args.nodes }, (_, place) => place).filter((place) => place % 2 === 0),
    );
    this.#clients = new ClientsHandle(launcher, {
      namespace: network.clientNamespace,
      logFile: join(reportDirectory, 'clients.log'),
    });
    this.#cluster = new Cluster({
      nodes: args.nodes,
      run: mark,
      network,
      launcher,
      dataDirectory,
      logDirectory: reportDirectory,
      isStateOnDisk: args.state === 'disk',
      // Only posts can be repeated by a proxy. The others go on with streams.
      postingPlaces: environment.nemeses.includes('duplicate') ? postingPlaces : new Set(),
      environmentOf: (place) => clocks?.environmentOf(place) ?? {},
      onMoved: (member) => this.#onMoved(member),
      onBroken: (member, message) => {
        this.#find('crash', `node ${member.nodeId} stopped by itself: ${message}`);
        this.#broken.abort();
      },
    });
  }

  get historyFile(): string {
    return join(this.#options.workplace.reportDirectory, 'history.jsonl');
  }

  async run(): Promise<RunRecord> {
    const { args, mark } = this.#options;
    await this.#cluster.form();
    const originMs = await this.#clients.start({
      run: mark,
      seed: args.seed,
      clients: args.clients,
      ratePerSecond: args.ratePerSecond,
      historyFile: this.historyFile,
    });
    this.#say(`${args.nodes} nodes serve, ${args.clients} clients work`);
    await delay(CALM_MS);
    const faultsStartMs = monotonicMs();
    const faults = await this.#inflict();
    const faultsEndMs = monotonicMs();
    const healedAfterMs = await this.#heal();
    await delay(CALM_MS);
    const counts = await this.#clients.stop();
    const endMs = monotonicMs();
    this.#say(`${counts.ok} operations ok, ${counts.failed} failed, ${counts.unknown} unknown`);
    const isWhole = healedAfterMs !== null;
    if (isWhole) await this.#readAll();
    const replicas = isWhole ? await this.#compareReplicas() : [];
    const ledger = await this.#ledger();
    const check = await this.#check();
    return {
      findings: this.#findings,
      originMs,
      faultsStartMs,
      faultsEndMs,
      endMs,
      faults,
      healedAfterMs,
      check,
      replicas,
      ledger,
    };
  }

  async #inflict(): Promise<readonly InflictedFault[]> {
    const { args, environment, workplace } = this.#options;
    const { network, clocks } = workplace;
    const over = AbortSignal.timeout(args.seconds * 1000);
    const signal = AbortSignal.any([over, this.#broken.signal]);
    const progress = setInterval(() => void this.#sayProgress(), PROGRESS_MS);
    try {
      const { seed, seconds, nodes } = args;
      const schedule = makeSchedule({ seed, seconds, nodes, nemeses: environment.nemeses });
      const world = { cluster: this.#cluster, network, clocks, signal };
      const { faults, failure } = await runFaults({ schedule, world, say: (line) => this.#say(line) });
      if (failure === null) await untilAborted(signal);
      else this.#find('crash', `a fault could not be inflicted or ended: ${messageOf(failure)}`);
      return faults;
    } finally {
      clearInterval(progress);
    }
  }

  /** Resolves with how long it took; null: not in time. */
  async #heal(): Promise<number | null> {
    const { healSeconds } = this.#options.args;
    const startMs = monotonicMs();
    this.#say('all faults are over');
    try {
      await putRight(this.#cluster);
      await waitUntilHealed(this.#cluster, healSeconds * 1000);
      const tookMs = monotonicMs() - startMs;
      this.#say(`all nodes are voters and serve, ${Math.round(tookMs)} ms later`);
      return tookMs;
    } catch (error) {
      this.#find('liveness', firstLineOf(error));
      return null;
    }
  }

  async #readAll(): Promise<void> {
    this.#say('reading every key through every node');
    for (const { place, nodeId } of this.#cluster.members) {
      const problem = await this.#clients.readAll(place).catch((error: unknown) => messageOf(error));
      if (problem !== null) this.#find('liveness', `the reads at the end failed through node ${nodeId}: ${problem}`);
    }
  }

  async #compareReplicas(): Promise<readonly ReplicaReport[]> {
    try {
      const replicas = await compareReplicas(this.#cluster, SAME_STATE_MS);
      for (const difference of describeDifferences(replicas)) this.#find('violation', difference);
      return replicas;
    } catch (error) {
      this.#find('liveness', firstLineOf(error));
      return [];
    }
  }

  /** Of any node that serves a linearizable read just before: it has applied all that was acknowledged. */
  async #ledger(): Promise<RunRecord['ledger']> {
    const problems: string[] = [];
    for (const member of this.#cluster.members) {
      try {
        await this.#cluster.ask(member, 'serve', { timeoutMs: SERVE_MS });
        return await this.#cluster.ask(member, 'ledger', null);
      } catch (error) {
        problems.push(`node ${member.nodeId}: ${firstLineOf(error)}`);
      }
    }
    this.#find('undecided', `no node told what it applied: ${problems.join('; ')}`);
    return null;
  }

  async #check(): Promise<CheckReport | null> {
    const { launcher, reportDirectory } = this.#options.workplace;
    this.#say('checking the history');
    const child = launcher.launch({ module: 'run/check-process.ts', logFile: join(reportDirectory, 'checker.log') });
    try {
      const violationFile = join(reportDirectory, 'violation.html');
      const given = { historyFile: this.historyFile, violationFile, limitMs: CHECK_MS };
      const check = await new Asker<CheckCommands>(child).ask('check', given, CHECK_MS * 2);
      if (check.verdict === 'violation') {
        this.#find('violation', `the history is not linearizable (${check.reason}): see ${violationFile}`);
      } else if (check.verdict === 'undecided') {
        this.#find('undecided', `the checker gave up: ${check.reason}`);
      }
      return check;
    } catch (error) {
      this.#find('undecided', `the checker broke: ${messageOf(error)}`);
      return null;
    } finally {
      child.kill('SIGKILL');
    }
  }

  #onMoved({ place, nodeId, handle }: Member): void {
    if (handle === null) return;
    const { network } = this.#options.workplace;
    const target = { place, nodeId, host: network.place(place).clientHost, port: handle.clientPort };
    this.#clients.setTarget(target).catch((error: unknown) => {
      this.#find('crash', `the clients could not be told of node ${nodeId}: ${messageOf(error)}`);
    });
  }

  async #sayProgress(): Promise<void> {
    const counts = await this.#clients.counts().catch(() => null);
    if (counts !== null) this.#say(`${counts.ok} ok, ${counts.failed} failed, ${counts.unknown} unknown so far`);
  }

  #find(outcome: Finding['outcome'], text: string): void {
    this.#findings.push({ outcome, text });
    this.#say(`${outcome.toUpperCase()}: ${text}`);
  }

  #say(line: string): void {
    const seconds = ((monotonicMs() - this.#startMs) / 1000).toFixed(1);
    this.#options.say(`${seconds.padStart(7)} s  ${line}`);
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** For what is no mistake of the harness. */
function firstLineOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
