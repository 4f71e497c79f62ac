/** What a log store must hold after writes of which only some are certain to be there. */
import assert from 'node:assert/strict';
import { startedEarly } from './expect.ts';
import type { LogWrite, OpenedLog } from './log-model.ts';
import { describeFound, describeWrite, issueWrite, LogModel } from './log-model.ts';
import type { LogStoreWorld } from './log-store-world.ts';

/** Writes that were issued without waiting in between. */
export class IssuedWrites {
  /** The log after the first n writes, for each n from 0 on. */
  readonly models: readonly LogModel[];
  readonly promises: readonly Promise<void>[];
  #acknowledged = 0;
  #failure: unknown = null;

  constructor(opened: OpenedLog, before: LogModel, writes: readonly LogWrite[]) {
    this.models = modelsAfter(before, writes);
    this.promises = writes.map((write, position) => {
      const promise = startedEarly(issueWrite(opened, write));
      promise.then(
        () => this.#acknowledge(write, position + 1),
        (error: unknown) => {
          this.#failure ??= error;
        },
      );
      return promise;
    });
  }

  /** How many of the writes are certain to be durable: the last one that resolved, and all before it. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** What the first write that failed was rejected with; `null` while none has failed. */
  get failure(): unknown {
    return this.#failure;
  }

  get last(): LogModel {
    return this.models.at(-1) ?? new LogModel();
  }

  /** What may be there if the process ends now. */
  possible(): readonly LogModel[] {
    return this.models.slice(this.#acknowledged);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.promises);
  }

  async done(): Promise<void> {
    await Promise.all(this.promises);
  }

  #acknowledge({ type }: LogWrite, count: number): void {
    // A committed LogId may be written lazily, so its promise says nothing about what came before.
    if (type !== 'save-committed') {
      this.#acknowledged = Math.max(this.#acknowledged, count);
    }
  }
}

/** The log before, and after each of the writes. */
export function modelsAfter(before: LogModel, writes: readonly LogWrite[]): readonly LogModel[] {
  const models = [before];
  let model = before;
  for (const write of writes) {
    model = model.after(write);
    models.push(model);
  }
  return models;
}

/**
 * The store, just opened, must hold one of these logs, which are in the order in which they came about; returns which.
 */
export async function expectOneOf(world: LogStoreWorld, possible: readonly LogModel[]): Promise<LogModel> {
  const found = await world.find();
  const model = possible.findLast((candidate) => candidate.matches(found));
  if (model === undefined) {
    const expected = possible.map((candidate) => `  ${candidate.describe()}`).join('\n');
    assert.fail(
      `the store holds\n  ${describeFound(found)}\nexpected, after what was acknowledged${possible.length > 1 ? ' or one of the writes after it' : ''}:\n${expected}`,
    );
  }
  return model;
}

/** Issues the writes one after the other; each must resolve. Returns the log that is there then. */
export async function writeAll(
  world: LogStoreWorld,
  writes: readonly LogWrite[],
  before: LogModel = new LogModel(),
): Promise<LogModel> {
  let model = before;
  for (const write of writes) {
    await issueWrite(world, write);
    model = model.after(write);
  }
  return model;
}

export function describeWrites(writes: readonly LogWrite[]): string {
  return writes.map(describeWrite).join(', ');
}
