/** The history of the clients as a file: what the checker reads, with notes for people. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { HistoryEvent, OpenOperation } from 'zlayer-consensus/testing';
import { HistoryRecorder } from 'zlayer-consensus/testing';
import type { ClientInput, ClientOutput, ReadLevel } from './operation.ts';

export type ClientEvent = HistoryEvent<ClientInput, ClientOutput>;

/** What is written besides; the checker does not look at it. */
export interface EventNotes {
  /** Who was asked. */
  readonly nodeId?: number;
  /** Of a read: how fresh. */
  readonly level?: ReadLevel;
  /** Why it failed, or is unknown. */
  readonly code?: string;
}

export interface RecordedOperation {
  /** No other operation of the history has it. */
  readonly id: number;
  readonly open: OpenOperation<ClientOutput>;
}

/** Lines wait in memory for at most so many bytes. */
const BUFFER_BYTES = 64 * 1024;

export class HistoryFile {
  readonly #file: number;
  readonly #recorder: HistoryRecorder<ClientInput, ClientOutput>;
  #buffer = '';
  #notes: EventNotes = {};
  #lastId = -1;

  /** `now`: milliseconds of a clock that goes on when the wall clock jumps. */
  constructor(path: string, now: () => number) {
    this.#file = openSync(path, 'w');
    this.#recorder = new HistoryRecorder({ now, onEvent: (event) => this.#write(event) });
  }

  invoke(process: string, input: ClientInput, notes: EventNotes): RecordedOperation {
    this.#notes = notes;
    const open = this.#recorder.invoke(process, input);
    return { id: this.#lastId, open };
  }

  /** Ends an operation with a note. */
  end(end: () => void, notes: EventNotes): void {
    this.#notes = notes;
    end();
  }

  flush(): void {
    writeSync(this.#file, this.#buffer);
    this.#buffer = '';
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #write(event: ClientEvent): void {
    this.#lastId = event.id;
    this.#buffer += `${JSON.stringify({ ...event, ...this.#notes })}\n`;
    if (this.#buffer.length > BUFFER_BYTES) this.flush();
  }
}
