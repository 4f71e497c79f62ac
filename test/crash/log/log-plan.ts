/** The writes of a log workload: the process that is killed and the one that checks it both know them from the seed. */
import { normalEntry } from '../../../src/core/entry.ts';
import { logId } from '../../../src/core/ids.ts';
import { sampleBytes } from '../../../src/testing/conformance/expect.ts';
import type { LogModel, LogWrite } from '../../../src/testing/conformance/log-model.ts';
import { LogWriteGenerator } from '../../../src/testing/conformance/log-write-generator.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';

type MakeWrite = (model: LogModel) => LogWrite;

/** More groups than a purge removes with one write. */
const BURST_APPENDS = 400;

/** Its promise promises nothing: a log may save it later. */
export const LAZY_WRITE: LogWrite['type'] = 'save-committed';

/**
 * Random writes; among them bursts of small appends, each a group of its own, purges of many groups at once, and appends
 * that are too long for one group.
 */
export class LogPlan {
  readonly #random: SeededRandom;
  readonly #generator: LogWriteGenerator;
  readonly #queue: MakeWrite[] = [];
  #payloadCount = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#generator = new LogWriteGenerator(this.#random);
  }

  /** Should the caller wait for nothing before the next write? */
  get isInBurst(): boolean {
    return this.#queue.length > 0;
  }

  next(model: LogModel): LogWrite {
    if (this.#queue.length === 0) this.#refill();
    return (this.#queue.shift() ?? ((last) => this.#generator.next(last)))(model);
  }

  #refill(): void {
    const random = this.#random;
    const type = random.weighted({ plain: 60, 'big-append': 2, 'big-purge': 3, burst: 1 });
    if (type === 'big-append') this.#queue.push((model) => this.#append(model, random.between(100, 300), 4000));
    if (type === 'big-purge') this.#queue.push((model) => this.#purge(model));
    if (type === 'burst') {
      for (let count = 0; count < BURST_APPENDS; count += 1) this.#queue.push((model) => this.#append(model, 1, 50));
      this.#queue.push((model) => this.#purge(model));
    }
  }

  #append({ lastLogId, hardState }: LogModel, count: number, payloadBytes: number): LogWrite {
    const term = Math.max(lastLogId.term, hardState.term, 1);
    const entries = Array.from({ length: count }, (_, offset) => {
      this.#payloadCount += 1;
      const payload = sampleBytes(payloadBytes, this.#payloadCount);
      return normalEntry(logId(term, lastLogId.index + 1 + offset), 1_600_000_000_000 + this.#payloadCount, payload);
    });
    return { type: 'append', entries };
  }

  #purge({ lastLogId, lastPurged, entries }: LogModel): LogWrite {
    const index = this.#random.between(lastLogId.index - 3, lastLogId.index);
    const upTo = entries.find((entry) => entry.logId.index === index)?.logId ?? lastPurged;
    return { type: 'purge', upTo };
  }
}
