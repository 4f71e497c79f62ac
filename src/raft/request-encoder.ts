/** From the application's request to the bytes that are replicated; done once, on the node where it was proposed. */
import { ConsensusError, PayloadTooLargeError, SerializationError } from '../errors.ts';
import type { RuntimeParts } from '../runtime/runtime-parts.ts';

/** @throws SerializationError, PayloadTooLargeError; nothing was appended */
export function encodeRequest({ codec, config }: RuntimeParts, request: unknown): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = codec.encodeRequest(request);
  } catch (error) {
    if (ConsensusError.is(error)) throw error;
    throw new SerializationError("the request can't be encoded", error);
  }
  const { byteLength } = bytes;
  if (byteLength > config.maxRequestBytes) throw new PayloadTooLargeError(byteLength, config.maxRequestBytes);
  return bytes;
}
