/** Values as JSON, also those that JSON does not know. */

/** Maps, sets, bytes, dates, big integers, `undefined` and numbers that JSON lacks are marked as what they are. */
export function describeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (value === undefined || (typeof value === 'number' && !isPlainNumber(value))) return { $literal: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') };
  if (value instanceof Map) return { $map: [...value].map((pair) => pair.map(describeValue)) };
  if (value instanceof Set) return { $set: [...value].map(describeValue) };
  if (Array.isArray(value)) return value.map(describeValue);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, describeValue(member)]));
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}
