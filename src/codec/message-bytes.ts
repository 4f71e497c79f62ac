/**
 * What nodes say to each other, as bytes: sealed (`sealed-bytes.ts`), then the type and its fields in a fixed order.
 * The entries of an append are log records, as they are on the disk; they carry checksums of their own, so the seal
 * ends before them.
 */
import type { Entry } from '../core/entry.ts';
import type { LogId } from '../core/ids.ts';
import type { AppendRequest, AppendResponse, Message } from '../core/message.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { MakeError } from './make-error.ts';
import { protocolErrorIn } from './make-error.ts';
import { decodeEntries, encodeEntries } from './record.ts';
import { beginSealed, openSealed, SEAL_BYTES, seal } from './sealed-bytes.ts';

/** A number is never reused. */
export const MESSAGE_TYPES: Readonly<Record<Message['type'], number>> = {
  'pre-vote-request': 1,
  'pre-vote-response': 2,
  'vote-request': 3,
  'vote-response': 4,
  'append-request': 5,
  'append-response': 6,
  'heartbeat-request': 7,
  'heartbeat-response': 8,
  'timeout-now': 9,
  'snapshot-response': 10,
};

/** The fields of an append request before its entries: type, six counters, how many entries, in how many bytes. */
const APPEND_HEADER_BYTES = SEAL_BYTES + 1 + 6 * 8 + 4 + 4;

/** No message without entries is longer. */
const MESSAGE_BYTES_MAX = 96;

const invalid = protocolErrorIn('message');

/**
 * The chunks of the message, in order: a few fields, and for an append the entries, which are encoded once for an array
 * and not copied (`encodeEntries`). The chunks must not be changed.
 */
export function encodeMessage(message: Message): Uint8Array[] {
  const writer = beginSealed('message', MESSAGE_BYTES_MAX);
  writer.u8(MESSAGE_TYPES[message.type]);
  writer.counter(message.term);
  writeFields(writer, message);
  const head = seal(writer);
  const hasEntries = message.type === 'append-request' && message.entries.length > 0;
  return hasEntries ? [head, encodeEntries(message.entries)] : [head];
}

/**
 * Payloads of entries are views of `bytes`, which must not change while they are in use.
 * @throws ProtocolError for anything but a whole, undamaged message whose fields fit together
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const isAppend = bytes[SEAL_BYTES] === MESSAGE_TYPES['append-request'];
  const sealed = isAppend ? bytes.subarray(0, APPEND_HEADER_BYTES) : bytes;
  const reader = openSealed('message', sealed, invalid);
  const type = reader.u8();
  const message = isAppend ? readAppendRequest(reader, bytes) : readOther(type, reader);
  reader.end();
  return message;
}

/** Everything after the term. */
function writeFields(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'pre-vote-request':
      writer.logId(message.lastLogId);
      break;
    case 'vote-request':
      writer.logId(message.lastLogId);
      writer.boolean(message.transfer);
      break;
    case 'pre-vote-response':
    case 'vote-response':
      writer.logId(message.lastLogId);
      writer.boolean(message.granted);
      break;
    case 'append-request':
      writeAppendRequest(writer, message);
      break;
    case 'append-response':
      writeAppendResponse(writer, message);
      break;
    case 'heartbeat-request':
      writer.counter(message.session);
      writer.counter(message.round);
      writer.counter(message.commitIndex);
      break;
    case 'heartbeat-response':
      writer.counter(message.session);
      writer.counter(message.round);
      writer.counter(message.verifiedIndex);
      break;
    case 'timeout-now':
      break;
    case 'snapshot-response':
      writer.counter(message.session);
      writer.counter(message.matchIndex);
      break;
  }
}

function readOther(type: number, reader: ByteReader): Message {
  const term = reader.counter();
  switch (type) {
    case MESSAGE_TYPES['pre-vote-request']:
      return { type: 'pre-vote-request', term, lastLogId: reader.logId() };
    case MESSAGE_TYPES['vote-request']:
      return { type: 'vote-request', term, lastLogId: reader.logId(), transfer: reader.boolean() };
    case MESSAGE_TYPES['pre-vote-response']:
      return { type: 'pre-vote-response', term, ...readVote(reader) };
    case MESSAGE_TYPES['vote-response']:
      return { type: 'vote-response', term, ...readVote(reader) };
    case MESSAGE_TYPES['append-response']:
      return readAppendResponse(reader, term);
    case MESSAGE_TYPES['heartbeat-request']:
      return { type: 'heartbeat-request', term, ...readStream(reader), commitIndex: reader.counter() };
    case MESSAGE_TYPES['heartbeat-response']:
      return { type: 'heartbeat-response', term, ...readStream(reader), verifiedIndex: reader.counter() };
    case MESSAGE_TYPES['timeout-now']:
      return { type: 'timeout-now', term };
    case MESSAGE_TYPES['snapshot-response']:
      return { type: 'snapshot-response', term, session: reader.counter(), matchIndex: reader.counter() };
    default:
      throw invalid(`of unknown type ${type}`);
  }
}

function readVote(reader: ByteReader): { granted: boolean; lastLogId: LogId } {
  const lastLogId = reader.logId();
  return { granted: reader.boolean(), lastLogId };
}

function readStream(reader: ByteReader): { session: number; round: number } {
  return { session: reader.counter(), round: reader.counter() };
}

function writeAppendRequest(writer: ByteWriter, message: AppendRequest): void {
  writer.counter(message.session);
  writer.counter(message.round);
  writer.logId(message.prevLogId);
  writer.counter(message.commitIndex);
  writer.u32(message.entries.length);
  writer.u32(encodeEntries(message.entries).byteLength);
}

function readAppendRequest(reader: ByteReader, bytes: Uint8Array): AppendRequest {
  const term = reader.counter();
  const { session, round } = readStream(reader);
  const prevLogId = reader.logId();
  const commitIndex = reader.counter();
  const count = reader.u32();
  const entriesBytes = reader.u32();
  const entries = readEntries(bytes, count, entriesBytes);
  requireSuccession(term, prevLogId, entries);
  return { type: 'append-request', term, session, round, prevLogId, entries, commitIndex };
}

function readEntries(bytes: Uint8Array, count: number, entriesBytes: number): readonly Entry[] {
  const found = bytes.byteLength - APPEND_HEADER_BYTES;
  if (found !== entriesBytes) {
    throw invalid(`${entriesBytes} bytes of entries announced, but ${found} follow`);
  }
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + APPEND_HEADER_BYTES, entriesBytes);
  return decodeEntries(view, count, invalidEntries);
}

const invalidEntries: MakeError = protocolErrorIn('entries of an append');

/** Entries follow each other and `prevLogId` without a hole, in terms that never go back nor beyond the leader's. */
function requireSuccession(term: number, prevLogId: LogId, entries: readonly Entry[]): void {
  let previous = prevLogId;
  for (const { logId } of entries) {
    if (logId.index !== previous.index + 1 || logId.term < previous.term || logId.term > term) {
      throw invalidEntries(`entry ${show(logId)} after ${show(previous)} in an append of term ${term}`);
    }
    previous = logId;
  }
}

function show({ term, index }: LogId): string {
  return `${term}:${index}`;
}

function writeAppendResponse(writer: ByteWriter, message: AppendResponse): void {
  writer.counter(message.session);
  writer.counter(message.round);
  writer.counter(message.prevIndex);
  writer.boolean(message.success);
  writer.counter(message.matchIndex);
  writer.optional(message.conflictHint, (hint) => writer.logId(hint));
  writer.counter(message.lastIndex);
}

function readAppendResponse(reader: ByteReader, term: number): AppendResponse {
  return {
    type: 'append-response',
    term,
    ...readStream(reader),
    prevIndex: reader.counter(),
    success: reader.boolean(),
    matchIndex: reader.counter(),
    conflictHint: reader.optional(() => reader.logId()),
    lastIndex: reader.counter(),
  };
}
