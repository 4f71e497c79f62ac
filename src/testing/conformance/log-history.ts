/** Random histories of a log store, compared with a plain array after each step. */
import assert, { AssertionError } from 'node:assert/strict';
import type { Entry } from '../../core/entry.ts';
import { CRASH_TURNS, letTurnsPass } from './crash-points.ts';
import { messagesOf, startedEarly } from './expect.ts';
import type { LogWrite } from './log-model.ts';
import { describeEntries, issueWrite, LogModel } from './log-model.ts';
import { describeWrites, expectOneOf, IssuedWrites, modelsAfter } from './log-store-expect.ts';
import type { LogStoreWorld } from './log-store-world.ts';
import { NO_BYTE_LIMIT } from './log-store-world.ts';
import { LogWriteGenerator } from './log-write-generator.ts';
import { SeededRandom } from './seeded-random.ts';

/**
 * How each step of a history ends:
 * - `go-on`: all writes resolve, and the same store goes on;
 * - `reopen`: all writes resolve, the store is closed, and the next one is opened;
 * - `crash`: some writes resolve, then the process ends;
 * - `crash-point`: the process ends at some operation on the disk, at times also while the next store is opened.
 */
export type StepEnd = 'go-on' | 'reopen' | 'crash' | 'crash-point';

export interface LogHistoryOptions {
  readonly seed: number;
  readonly steps: number;
  readonly end: StepEnd;
}

const WRITES_MAX = 5;
const READS_MAX = 2;
const SHOWN_STEPS = 12;

/** Operations on the disk that a step may get through before a crash; few enough that most steps are cut short. */
const OPERATIONS_MAX = 14;

const CRASH_TURNS_OF_STEP = CRASH_TURNS.filter((turns) => turns <= 100);

/** Each step issues a few writes and reads without waiting in between, ends in its way, and compares. */
export async function runLogHistory(world: LogStoreWorld, options: LogHistoryOptions): Promise<void> {
  const history = new LogHistory(world, options);
  for (let step = 1; step <= options.steps; step += 1) {
    try {
      await history.step();
    } catch (error) {
      throw history.explain(error, step);
    }
  }
}

class LogHistory {
  readonly #world: LogStoreWorld;
  readonly #options: LogHistoryOptions;
  readonly #random: SeededRandom;
  readonly #generator: LogWriteGenerator;
  readonly #trace: string[] = [];
  #model = new LogModel();

  constructor(world: LogStoreWorld, options: LogHistoryOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#generator = new LogWriteGenerator(this.#random);
  }

  async step(): Promise<void> {
    const writes = this.#makeWrites();
    this.#trace.push(describeWrites(writes));
    switch (this.#options.end) {
      case 'go-on':
        await this.#goOn(writes);
        return;
      case 'reopen':
        await this.#goOn(writes);
        await this.#world.reopen();
        await expectOneOf(this.#world, [this.#model]);
        return;
      case 'crash':
        await this.#crash(writes);
        return;
      case 'crash-point':
        await this.#crashAtOperation(writes);
        return;
    }
  }

  /** The error, with what repeats it. */
  explain(error: unknown, step: number): AssertionError {
    const { seed } = this.#options;
    const last = this.#trace.slice(-SHOWN_STEPS).map((line) => `  ${line}`);
    const explained = new AssertionError({
      message: `${messagesOf(error)}\n\nThis was step ${step} of the history of seed ${seed}; with \`seed: ${seed}\` in the options of the suite it is the first one. What was written in its last steps:\n${last.join('\n')}`,
    });
    explained.cause = error;
    return explained;
  }

  #makeWrites(): readonly LogWrite[] {
    const writes: LogWrite[] = [];
    let model = this.#model;
    for (let left = this.#random.between(1, WRITES_MAX); left > 0; left -= 1) {
      const write = this.#generator.next(model);
      writes.push(write);
      model = model.after(write);
    }
    return writes;
  }

  async #goOn(writes: readonly LogWrite[]): Promise<void> {
    const models = modelsAfter(this.#model, writes);
    const reads: Promise<void>[] = [];
    const promises: Promise<void>[] = [];
    for (const [position, write] of writes.entries()) {
      promises.push(startedEarly(issueWrite(this.#world, write)));
      if (position < READS_MAX) {
        reads.push(startedEarly(this.#read(models)));
      }
    }
    await Promise.all(promises);
    await Promise.all(reads);
    const last = models.at(-1) ?? this.#model;
    this.#model = last;
    await this.#read([last]);
    const entries = await this.#world.store.read(0, last.lastLogId.index + 1, NO_BYTE_LIMIT);
    assert.equal(describeEntries(entries), describeEntries(last.entries), 'the whole log');
  }

  async #crash(writes: readonly LogWrite[]): Promise<void> {
    const issued = new IssuedWrites(this.#world, this.#model, writes);
    const awaited = this.#random.between(0, writes.length);
    await Promise.all(issued.promises.slice(0, awaited));
    await letTurnsPass(this.#random.pick(CRASH_TURNS_OF_STEP));
    await this.#endWith(issued);
  }

  async #crashAtOperation(writes: readonly LogWrite[]): Promise<void> {
    const frozen = this.#world.freezeAfter(this.#random.between(0, OPERATIONS_MAX));
    const issued = new IssuedWrites(this.#world, this.#model, writes);
    await Promise.race([issued.settled(), frozen]);
    await this.#endWith(issued);
  }

  /** The process ends now; the next one must hold what was acknowledged and none, some or all that came after it. */
  async #endWith(issued: IssuedWrites): Promise<void> {
    const [possible, { acknowledged, failure }] = [issued.possible(), issued];
    this.#trace.push(`crash, ${acknowledged} of them acknowledged`);
    await this.#world.crash(this.#random.between(0, 2 ** 31));
    if (failure !== null) {
      throw failure;
    }
    await this.#world.makeNext();
    if (this.#options.end === 'crash-point' && this.#random.chance(0.3)) {
      await this.#crashWhileOpening();
    }
    await this.#world.open();
    this.#model = await expectOneOf(this.#world, possible);
    if (this.#random.chance(0.3)) {
      this.#trace.push('crash at once, again');
      await this.#world.crashAndReopen(this.#random.between(0, 2 ** 31));
      await expectOneOf(this.#world, [this.#model]);
    }
  }

  async #crashWhileOpening(): Promise<void> {
    this.#trace.push('crash while the next store is opened');
    const frozen = this.#world.freezeAfter(this.#random.between(0, OPERATIONS_MAX));
    await Promise.race([startedEarly(this.#world.open()), frozen]);
    await this.#world.crash(this.#random.between(0, 2 ** 31));
    await this.#world.makeNext();
  }

  /** Reads some range; what comes must be the beginning of it in one of the logs that may be there meanwhile. */
  async #read(possible: readonly LogModel[]): Promise<void> {
    const fromIndex = this.#random.between(0, this.#model.lastLogId.index + 1);
    const toIndex = fromIndex + this.#random.pick([0, 1, 3, 10, 1000]);
    const maxBytes = this.#random.pick([0, 50, 500, 5000, NO_BYTE_LIMIT]);
    const page = await this.#world.store.read(fromIndex, toIndex, maxBytes);
    const payloadBytes = page.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    const what = `read(${fromIndex}, ${toIndex}, ${maxBytes})`;
    assert.ok(page.length <= 1 || payloadBytes <= maxBytes, `${what} returned ${payloadBytes} bytes of payload`);
    assert.ok(
      possible.some((model) => isBeginning(page, model.range(fromIndex, toIndex))),
      `${what} returned ${describeEntries(page)}; the log was ${possible.map((model) => describeEntries(model.entries)).join(', then ')}`,
    );
  }
}

/** Is it a prefix of the range, with at least one entry if there is any? */
function isBeginning(page: readonly Entry[], range: readonly Entry[]): boolean {
  return (
    (page.length > 0 || range.length === 0) &&
    page.every(({ logId, timeMs }, position) => {
      const expected = range[position];
      return expected !== undefined && expected.logId.index === logId.index && expected.timeMs === timeMs;
    })
  );
}
