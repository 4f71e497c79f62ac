/**
 * What happened in a run, in order. Always as a fingerprint, by which two runs are compared; as text only when somebody
 * wants to read it.
 */

/** Receives each line of a trace. */
export type TraceSink = (line: string) => void;

export class Trace {
  readonly #nowMs: () => number;
  readonly #sink: TraceSink | null;
  #low = 0x811c_9dc5 | 0;
  #high = 0x2545_f491 | 0;

  constructor(nowMs: () => number, sink: TraceSink | null) {
    this.#nowMs = nowMs;
    this.#sink = sink;
  }

  /** Does anybody read lines? To be asked before one is put together. */
  get isOn(): boolean {
    return this.#sink !== null;
  }

  /** 16 hexadecimal digits over everything that was noted so far. */
  get hash(): string {
    return hexOf(this.#high) + hexOf(this.#low);
  }

  /** Something happened: a small code for what it was, to whom, and up to two numbers. */
  note(code: number, node: number, a: number = 0, b: number = 0): void {
    this.#mix(code);
    this.#mix(this.#nowMs() * 1024);
    this.#mix(node);
    this.#mix(a);
    this.#mix(b);
  }

  /** Adds every character of a text to the fingerprint. */
  noteText(text: string): void {
    for (let position = 0; position < text.length; position += 1) this.#mix(text.charCodeAt(position));
  }

  /** A line to read. Nothing may depend on it. */
  line(node: number | null, text: string): void {
    const who = node === null ? '--' : `n${node}`;
    this.#sink?.(`${this.#nowMs().toFixed(3).padStart(12)} ${who.padEnd(4)} ${text}`);
  }

  #mix(value: number): void {
    const word = value | 0;
    this.#low = Math.imul(this.#low ^ word, 0x0100_0193);
    this.#high = Math.imul(this.#high ^ this.#low ^ (word >>> 7), 0x85eb_ca6b) ^ (this.#high >>> 13);
  }
}

function hexOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
