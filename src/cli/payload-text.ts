/** What an application stored, as far as it can be guessed. */
import { inspect } from 'node:util';
import { msgpackCodec } from '../index.ts';

const codec = msgpackCodec<unknown, unknown>();

/** The value, if it is one of `msgpackCodec`; else the text, if it is one; else its bytes in hex. */
export function payloadText(payload: Uint8Array, charactersMax: number): string {
  const text = msgpackText(payload) ?? utf8Text(payload) ?? `0x${Buffer.from(payload).toString('hex')}`;
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 3)}...` : text;
}

function msgpackText(payload: Uint8Array): string | null {
  try {
    const value = codec.decodeRequest(payload);
    return inspect(value, { depth: 8, breakLength: Number.POSITIVE_INFINITY, compact: true, maxArrayLength: 1000 });
  } catch {
    return null;
  }
}

/** `null` for bytes that are no text, or would do something to a terminal. */
function utf8Text(payload: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    return /^[^\p{Cc}]*$/u.test(text) ? JSON.stringify(text) : null;
  } catch {
    return null;
  }
}
