/** Requests and responses as bytes. */
import { SerializationError } from '../../../errors.ts';
import type { Codec } from '../../../ports/codec.ts';
import type { KvOperation, KvRequest, KvResponse } from './kv-types.ts';

/** callId 4, value 4, expected 4 (all ones: none), operation 1, key 2, then padding. */
const REQUEST_BYTES = 15;
const NONE = 0xffff_ffff;
const OPERATIONS: readonly KvOperation[] = ['set', 'cas', 'append'];

export const kvCodec: Codec<KvRequest, KvResponse> = Object.freeze({
  id: 'simulator-kv/1',
  encodeRequest: (request: KvRequest): Uint8Array => {
    const bytes = new Uint8Array(REQUEST_BYTES + request.padding);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, request.callId);
    view.setUint32(4, request.value);
    view.setUint32(8, request.expected ?? NONE);
    view.setUint8(12, OPERATIONS.indexOf(request.operation));
    view.setUint8(13, request.key.charCodeAt(0));
    view.setUint8(14, request.key.charCodeAt(1));
    return bytes;
  },
  decodeRequest: (bytes: Uint8Array): KvRequest => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const operation = bytes.byteLength < REQUEST_BYTES ? undefined : OPERATIONS[view.getUint8(12)];
    if (operation === undefined) throw new SerializationError('this is no request of the simulator');
    const expected = view.getUint32(8);
    return {
      callId: view.getUint32(0),
      operation,
      key: String.fromCharCode(view.getUint8(13), view.getUint8(14)),
      value: view.getUint32(4),
      expected: expected === NONE ? null : expected,
      padding: bytes.byteLength - REQUEST_BYTES,
    };
  },
  encodeResponse: (response: KvResponse): Uint8Array => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, response ?? NONE);
    return bytes;
  },
  decodeResponse: (bytes: Uint8Array): KvResponse => {
    const value = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
    return value === NONE ? null : value;
  },
});
