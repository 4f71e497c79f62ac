/** Writes to a durable log until the process is killed. */
import type { OpenedLog } from '../../../src/testing/conformance/log-model.ts';
import { issueWrite } from '../../../src/testing/conformance/log-model.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { Reporter } from '../support/reporter.ts';
import type { VictimTask } from '../support/victim.ts';
import { FINISHED } from '../support/victim.ts';
import { LAZY_WRITE, LogPlan } from './log-plan.ts';
import { modelOf, openLog } from './opened-log.ts';

const WRITES_MAX = 4000;
const IN_FLIGHT_MAX = 64;

/** Several writes are under way most of the time, as in a node. */
export async function runLogWorkload({ directory, seed }: VictimTask, reporter: Reporter): Promise<void> {
  reporter.report('opening', 0);
  const opened = await openLog(directory);
  let model = await modelOf(opened);
  reporter.report('opened', 0);
  const plan = new LogPlan(seed);
  const pauses = new Pauses(seed);
  for (let number = 0; number < WRITES_MAX; number += 1) {
    const write = plan.next(model);
    reporter.report(`call ${write.type}`, number);
    const done = issueWrite(opened, write);
    pauses.add(write.type === LAZY_WRITE ? done : done.then(() => reporter.report(`done ${write.type}`, number)));
    model = model.after(write);
    if (!plan.isInBurst) await pauses.next();
  }
  await pauses.all();
  await closeAndReport(opened, reporter);
}

async function closeAndReport({ store }: OpenedLog, reporter: Reporter): Promise<void> {
  reporter.report('closing', 0);
  await store.close();
  reporter.report('closed', 0);
  reporter.report(FINISHED, 0);
}

/** At times it goes on at once, at times in the next turn of the loop, at times when everything is done. */
class Pauses {
  readonly #random: SeededRandom;
  #inFlight: Promise<void>[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed + 1);
  }

  add(write: Promise<void>): void {
    this.#inFlight.push(write);
  }

  async next(): Promise<void> {
    const pause = this.#random.weighted({ none: 4, turn: 3, all: 2 });
    if (pause === 'all' || this.#inFlight.length > IN_FLIGHT_MAX) await this.all();
    else if (pause === 'turn') await new Promise((resolve) => setImmediate(resolve));
  }

  async all(): Promise<void> {
    await Promise.all(this.#inFlight);
    this.#inFlight = [];
  }
}
