/** What a process that is about to be killed says. A line is with the parent before anything after it happens. */
import { writeSync } from 'node:fs';
import type { KillPoint } from './kill-point.ts';
import { spin } from './kill-point.ts';

const STDOUT = 1;

export class Reporter {
  readonly #killPoint: KillPoint;
  #occurrences = 0;

  constructor(killPoint: KillPoint) {
    this.#killPoint = killPoint;
  }

  /** `name` is what kill points aim at; `number` tells one from the other. */
  report(name: string, number: number): void {
    writeSync(STDOUT, `${name}#${number}\n`);
    if (this.#killPoint.by !== 'self' || this.#killPoint.name !== name) return;
    this.#occurrences += 1;
    if (this.#occurrences < this.#killPoint.occurrence) return;
    spin(this.#killPoint.delayUs);
    process.kill(process.pid, 'SIGKILL');
  }
}
