/** Streams of bytes in pieces of a bounded size. */

/** Splits what is larger than `maxBytes`, without copying. */
export async function* inPieces(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.byteLength; offset += maxBytes) {
      yield chunk.byteLength <= maxBytes ? chunk : chunk.subarray(offset, offset + maxBytes);
    }
  }
}
