/** Reads what `strace -f -y -xx` wrote of a process: which bytes went where, and when they were synced. */

/** When a call began and when it returned, as line numbers; `endLine` is infinite when it never did. */
interface CallSpan {
  readonly beginLine: number;
  readonly endLine: number;
  /** Of the file or directory that the call was about. */
  readonly path: string;
}

export interface TracedWrite extends CallSpan {
  readonly type: 'write';
  /** `null` for what has no positions, such as a pipe. */
  readonly position: number | null;
  readonly bytes: Buffer;
  /** The descriptor was opened so that every write is durable when it returns. */
  readonly isSynchronous: boolean;
}

export interface TracedSync extends CallSpan {
  readonly type: 'sync';
}

export interface TracedRename extends CallSpan {
  readonly type: 'rename';
  readonly to: string;
}

export interface TracedOpen extends CallSpan {
  readonly type: 'open';
  readonly mayCreate: boolean;
}

export type TracedCall = TracedWrite | TracedSync | TracedRename | TracedOpen;

/** The calls that are needed, for `strace -e`. */
export const TRACED_CALLS =
  'openat,lseek,write,pwrite64,writev,pwritev,pwritev2,fdatasync,fsync,ftruncate,rename,renameat,renameat2,msync';

const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/;
const WHOLE = /^(\d+) +(\w+)\((.*)$/;
const TEXT = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;

/** In the order in which the calls began. @throws Error for a call that changes files in a way that is not understood */
export function readTrace(trace: string): readonly TracedCall[] {
  const reader = new TraceReader();
  for (const [number, line] of trace.split('\n').entries()) reader.line(line, number);
  return reader.calls();
}

interface Begun {
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

class TraceReader {
  /** By thread. */
  readonly #begun = new Map<string, Begun>();
  /** Descriptors whose writes are durable when they return. */
  readonly #synchronous = new Set<string>();
  /** Where a write without a position goes, by descriptor. */
  readonly #offsets = new Map<string, number>();
  readonly #calls: TracedCall[] = [];

  line(line: string, number: number): void {
    const begun = BEGUN.exec(line);
    const resumed = RESUMED.exec(line);
    const whole = WHOLE.exec(line);
    if (begun !== null) {
      const [, thread = '', name = '', text = ''] = begun;
      this.#begun.set(thread, { name, text, line: number });
    } else if (resumed !== null) {
      const [, thread = '', , rest = ''] = resumed;
      const start = this.#begun.get(thread);
      this.#begun.delete(thread);
      if (start !== undefined) this.#add(start, start.text + rest, number);
    } else if (whole !== null) {
      const [, , name = '', text = ''] = whole;
      this.#add({ name, text, line: number }, text, number);
    }
  }

  /** A call that never returned may have had any effect. */
  calls(): readonly TracedCall[] {
    for (const begun of this.#begun.values()) this.#add(begun, begun.text, Number.POSITIVE_INFINITY);
    return this.#calls.sort((a, b) => a.beginLine - b.beginLine);
  }

  #add({ name, line }: Begun, text: string, endLine: number): void {
    const result = /= (-?\d+)(?:<[^>]*>)?(?: [A-Z].*)?$/.exec(text)?.[1];
    if (endLine !== Number.POSITIVE_INFINITY && (result === undefined || result.startsWith('-'))) return;
    const call = this.#callOf(name, text, { beginLine: line, endLine });
    if (call !== null) this.#calls.push(call);
  }

  #callOf(name: string, text: string, lines: { beginLine: number; endLine: number }): TracedCall | null {
    const path = decode(/^\d+<([^>]*)>/.exec(text)?.[1] ?? '').toString();
    switch (name) {
      case 'openat':
        return this.#open(text, lines);
      case 'lseek':
        this.#seek(text);
        return null;
      case 'write':
      case 'writev':
        return this.#writeAtOffset(text, { type: 'write', ...lines, path, position: null, ...this.#written(text) });
      case 'pwrite64':
      case 'pwritev':
        return { type: 'write', ...lines, path, position: positionOf(text), ...this.#written(text) };
      case 'fdatasync':
      case 'fsync':
        return { type: 'sync', ...lines, path };
      case 'rename': {
        const [from = '', to = ''] = textsOf(text).map(String);
        return { type: 'rename', ...lines, path: from, to };
      }
      case 'ftruncate':
        return null;
      default:
        throw new Error(`a call that is not understood: ${name}(${text.slice(0, 200)}`);
    }
  }

  /** A descriptor is used again for another file when it was closed. */
  #open(text: string, lines: { beginLine: number; endLine: number }): TracedOpen {
    const descriptor = /= (\d+)</.exec(text)?.[1] ?? '';
    this.#offsets.set(descriptor, 0);
    if (/O_DSYNC|O_SYNC/.test(text)) this.#synchronous.add(descriptor);
    else this.#synchronous.delete(descriptor);
    const path = decode(/= \d+<([^>]*)>/.exec(text)?.[1] ?? '').toString();
    return { type: 'open', ...lines, path, mayCreate: text.includes('O_CREAT') };
  }

  #seek(text: string): void {
    const [, descriptor = '', offset = ''] = /^(\d+)<.*= (\d+)$/.exec(text) ?? [];
    this.#offsets.set(descriptor, Number(offset));
  }

  /** Pipes have no positions. */
  #writeAtOffset(text: string, write: TracedWrite): TracedWrite {
    if (!write.path.startsWith('/')) return write;
    const descriptor = /^\d+/.exec(text)?.[0] ?? '';
    const position = this.#offsets.get(descriptor);
    if (position === undefined) throw new Error(`a write to a file of unknown offset: ${write.path}`);
    this.#offsets.set(descriptor, position + write.bytes.byteLength);
    return { ...write, position };
  }

  #written(text: string): { readonly bytes: Buffer; readonly isSynchronous: boolean } {
    const descriptor = /^\d+/.exec(text)?.[0] ?? '';
    return { bytes: Buffer.concat(textsOf(text)), isSynchronous: this.#synchronous.has(descriptor) };
  }
}

/** The position is the last argument, before the result if there is one. */
function positionOf(text: string): number {
  const position = /, (\d+)(?:\) *= \d+)?$/.exec(text)?.[1];
  if (position === undefined) throw new Error(`a write without a position: ${text.slice(-100)}`);
  return Number(position);
}

function textsOf(text: string): Buffer[] {
  return [...text.matchAll(TEXT)].map(([, bytes = '', more]) => {
    if (more !== undefined) throw new Error('strace cut a text off: give it a greater -s');
    return decode(bytes);
  });
}

function decode(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}
