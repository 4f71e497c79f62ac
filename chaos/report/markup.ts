/** Text and numbers as they go into pages and pictures. */

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML and SVG, in text and in quoted attributes. */
export function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** For coordinates: a tenth of a pixel is enough. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** `1,234`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** `87 ms`, `4.2 s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** At most so many numbers from 0 to about `max`, at round distances; the last is not below `max`. */
export function roundTicks(max: number, most: number): readonly number[] {
  const least = Math.max(max, 1e-9) / most;
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= least) ?? 10) * magnitude;
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, index) => index * step);
}
