/** Values as lines of text with a checksum, for stores on a plain disk. */
import { crc32 } from 'node:zlib';

/** Byte arrays and Maps come back as they were. */
export function encodeLine(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Uint8Array) return { bytes: Buffer.from(part).toString('base64') };
    return part instanceof Map ? { map: [...part] } : part;
  });
  return `${crc32(text)} ${text}`;
}

/** `null` when the line is damaged. The caller knows what it wrote. */
export function decodeLine<Value>(line: string): Value | null {
  const end = line.indexOf(' ');
  const text = line.slice(end + 1);
  return line.slice(0, end) === String(crc32(text)) ? parseLine(text) : null;
}

/** Without a look at the checksum. */
export function parseLine<Value>(text: string): Value {
  return JSON.parse(text, (_, part) => {
    if (typeof part?.bytes === 'string') return new Uint8Array(Buffer.from(part.bytes, 'base64'));
    return Array.isArray(part?.map) ? new Map(part.map) : part;
  });
}
