/** What a tool owes its caller: news of how far it is, and an end when that is asked for. */
import { systemTimers } from '../../../system/system-ports.ts';

export interface OfflineOptions {
  /** Aborting ends the call with the signal's reason. Nothing half-made stays behind. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: OfflineProgress) => void) | undefined;
}

/** How far one step of a call is. A call may have several, also several of the same name. */
export interface OfflineProgress {
  readonly step: 'log' | 'snapshot' | 'backup';
  readonly done: number;
  readonly total: number;
  readonly unit: 'entries' | 'bytes';
}

/** After so many bytes others get a turn: signals, above all. */
const TURN_BYTES = 1024 * 1024;

export class Work {
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: OfflineProgress) => void) | undefined;
  #step: OfflineProgress = { step: 'log', done: 0, total: 0, unit: 'bytes' };
  #bytesSinceTurn = 0;

  constructor({ signal, onProgress }: OfflineOptions) {
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  begin(step: OfflineProgress['step'], total: number, unit: OfflineProgress['unit']): void {
    this.#step = { step, done: 0, total, unit };
  }

  /** So much more is done, which took the reading or writing of so many bytes. Throws when the call is to end. */
  advance(amount: number, bytes: number): Promise<void> | null {
    this.#signal?.throwIfAborted();
    this.#step = { ...this.#step, done: this.#step.done + amount };
    this.#bytesSinceTurn += bytes;
    if (this.#bytesSinceTurn < TURN_BYTES) return null;
    this.#bytesSinceTurn = 0;
    return this.#takeTurn();
  }

  /** Nothing of this step is left. */
  end(): void {
    this.#onProgress?.({ ...this.#step, done: this.#step.total });
  }

  async #takeTurn(): Promise<void> {
    this.#onProgress?.(this.#step);
    await new Promise<void>((resolve) => systemTimers.nextTurn(resolve));
    this.#signal?.throwIfAborted();
  }
}
