/** Cuts the bytes of a snapshot into pieces that fit a frame. */

/** Views of the chunks, none longer than `maxBytes` and none empty. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += maxBytes) {
      yield chunk.subarray(at, at + maxBytes);
    }
  }
}
