/** The bodies of the frames that steer a snapshot stream. */
import { ByteReader } from '../../codec/byte-reader.ts';
import { ByteWriter } from '../../codec/byte-writer.ts';
import { protocolErrorIn } from '../../codec/make-error.ts';

/** The receiver wants the bytes from here on, and no more than this ahead of its acknowledgements. */
export interface SnapshotAccept {
  readonly offsetBytes: number;
  readonly windowBytes: number;
}

const acceptError = protocolErrorIn('snapshot accept');
const offsetError = protocolErrorIn('snapshot offset');

export function encodeAccept({ offsetBytes, windowBytes }: SnapshotAccept): Uint8Array {
  const writer = new ByteWriter(16);
  writer.counter(offsetBytes);
  writer.counter(windowBytes);
  return writer.finish();
}

export function decodeAccept(bytes: Uint8Array): SnapshotAccept {
  const reader = new ByteReader(bytes, acceptError);
  const accept = { offsetBytes: reader.counter(), windowBytes: reader.counter() };
  reader.end();
  return accept;
}

/** Everything before this offset is with the receiver. */
export function encodeOffset(offsetBytes: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.counter(offsetBytes);
  return writer.finish();
}

export function decodeOffset(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes, offsetError);
  const offsetBytes = reader.counter();
  reader.end();
  return offsetBytes;
}
