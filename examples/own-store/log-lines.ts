/** How writes look in the file: one line for all that goes to the disk together. */
import { crc32 } from 'node:zlib';
import type { Entry, HardState, LogId, LogIndex, StoreIdentity } from 'zlayer-consensus';

/** One write; only one of the fields is there. */
export interface LogWrite {
  readonly identity?: StoreIdentity;
  readonly hardState?: HardState;
  readonly committed?: LogId;
  readonly append?: readonly Entry[];
  readonly truncateFrom?: LogIndex;
  readonly purgeTo?: LogId;
}

export interface LogLine {
  readonly number: number;
  readonly writes: readonly LogWrite[];
}

/** `checksum of the rest, number, writes as JSON`. A line without writes is the last one of a store that was closed. */
export function encodeLine(number: number, writes: readonly LogWrite[]): string {
  const rest = `${String(number).padStart(12, '0')} ${JSON.stringify(writes, toJson)}`;
  return `${checksumOf(rest)} ${rest}\n`;
}

const CLOSED_BYTES = encodeLine(0, []).length;

/** Does the file end as a store leaves it that was closed? Then nothing in it is torn. */
export function wasClosed(file: Uint8Array): boolean {
  return decodeLine(file.subarray(-CLOSED_BYTES))?.writes.length === 0;
}

/** `null` when the line is torn or damaged. */
export function decodeLine(bytes: Uint8Array): LogLine | null {
  const [checksum = '', rest = '', end] = /^(.{8}) (.*)(\n)$/.exec(Buffer.from(bytes).toString())?.slice(1) ?? [];
  if (end === undefined || checksumOf(rest) !== checksum) return null;
  return { number: Number(rest.slice(0, 12)), writes: JSON.parse(rest.slice(13), fromJson) };
}

/** Where the lines of a file start and end. */
export function* linesOf(file: Uint8Array): Generator<{ readonly start: number; readonly end: number }, void> {
  for (let start = 0; start < file.byteLength; ) {
    const newline = file.indexOf(0x0a, start);
    const end = newline === -1 ? file.byteLength : newline + 1;
    yield { start, end };
    start = end;
  }
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

/** The payload of an entry and the nodes of a membership are no JSON. */
function toJson(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  return value instanceof Map ? { pairs: [...value] } : value;
}

function fromJson(_: string, value: { readonly base64?: unknown; readonly pairs?: unknown } | null): unknown {
  if (typeof value?.base64 === 'string') return new Uint8Array(Buffer.from(value.base64, 'base64'));
  return Array.isArray(value?.pairs) ? new Map(value.pairs) : value;
}
