/** Every sealed format with its encoder, decoder and arbitrary values: one table for the tests that hold for all. */
import type fc from 'fast-check';
import {
  decodeEnvelope,
  decodeLocalIdentity,
  decodePeerRequest,
  decodePeerResponse,
  decodeRemoteFailure,
  decodeSnapshotHeader,
  encodeEnvelope,
  encodeLocalIdentity,
  encodePeerRequest,
  encodePeerResponse,
  encodeRemoteFailure,
  encodeSnapshotHeader,
} from '../../src/codec/envelope-bytes.ts';
import { decodeMessage, encodeMessage } from '../../src/codec/message-bytes.ts';
import { decodeStoredSnapshot, encodeStoredSnapshot } from '../../src/codec/snapshot-meta-bytes.ts';
import { CorruptionError, ProtocolError } from '../../src/errors.ts';
import {
  envelopes,
  localIdentities,
  messages,
  peerRequests,
  peerResponses,
  remoteFailures,
  snapshotHeaders,
  storedSnapshots,
} from './arbitraries.ts';
import type { Refusal } from './damage.ts';
import { join } from './damage.ts';

export interface Format extends Refusal {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly encode: (value: unknown) => Uint8Array;
}

interface TypedFormat<T> {
  readonly name: string;
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  readonly error?: Refusal['error'];
}

/** Forgets the type, so that formats of different types fit one table; a format only gets values of its own. */
function format<T>({ name, values, encode, decode, error = ProtocolError }: TypedFormat<T>): Format {
  return { name, values, decode, error, encode: encode as (value: unknown) => Uint8Array };
}

export const formats: readonly Format[] = [
  format({ name: 'message', values: messages, encode: (m) => join(encodeMessage(m)), decode: decodeMessage }),
  format({ name: 'envelope', values: envelopes, encode: encodeEnvelope, decode: decodeEnvelope }),
  format({
    name: 'local identity',
    values: localIdentities,
    encode: encodeLocalIdentity,
    decode: decodeLocalIdentity,
  }),
  format({
    name: 'snapshot header',
    values: snapshotHeaders,
    encode: encodeSnapshotHeader,
    decode: decodeSnapshotHeader,
  }),
  format({
    name: 'peer request',
    values: peerRequests,
    encode: (request) => join(encodePeerRequest(request)),
    decode: decodePeerRequest,
  }),
  format({
    name: 'peer response',
    values: peerResponses,
    encode: (response) => join(encodePeerResponse(response)),
    decode: decodePeerResponse,
  }),
  format({
    name: 'remote failure',
    values: remoteFailures,
    encode: encodeRemoteFailure,
    decode: decodeRemoteFailure,
  }),
  format({
    name: 'stored snapshot',
    values: storedSnapshots,
    encode: encodeStoredSnapshot,
    decode: decodeStoredSnapshot,
    error: CorruptionError,
  }),
];
