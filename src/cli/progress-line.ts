/** Shows how far long work is. */
import type { OfflineProgress } from '../storage/lmdb/offline/index.ts';
import { countText } from './layout.ts';
import type { Terminal } from './terminal.ts';
import { sizeText } from './values.ts';

/** What takes no more than this is over before it could be read. */
const SHORT = { bytes: 32 * 1024 * 1024, entries: 500_000 };

const CLEAR = '\r\u001b[K';

/** One line that is written over; where that can't be, a new one with every tenth part. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show({ step, done, total, unit }: OfflineProgress): void {
    if (total <= SHORT[unit]) return;
    const { isErrorTty } = this.#terminal;
    const parts = isErrorTty ? 100 : 10;
    const percent = (Math.floor((Math.min(done, total) / total) * parts) * 100) / parts;
    const amount = unit === 'bytes' ? sizeText(total) : `${countText(total)} entries`;
    const line = `${step}: ${percent} % of ${amount}`;
    if (line === this.#shown) return;
    this.#shown = line;
    this.#terminal.error(isErrorTty ? `${CLEAR}${line}` : `${line}\n`);
  }

  /** Makes room for other text. */
  clear(): void {
    if (this.#shown !== '' && this.#terminal.isErrorTty) this.#terminal.error(CLEAR);
    this.#shown = '';
  }
}
