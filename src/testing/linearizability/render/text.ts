/** Text in pictures: escaped, cut, and of a known width. */

/** Of the fixed-width font in which pictures are drawn. */
export const FONT_SIZE = 12;
const CHARACTER_WIDTH = FONT_SIZE * 0.61;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For HTML and XML, in text and in quoted attributes. What can't be seen or is not allowed there becomes a dot. */
export function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu, '·')
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** At most `max` characters, the last of which then says that some are missing. */
export function shorten(text: string, max: number): string {
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`;
}

export function widthOf(text: string): number {
  return [...text].length * CHARACTER_WIDTH;
}

/** To the microsecond, if times are milliseconds. */
export function formatTime(time: number): string {
  return String(Math.round(time * 1000) / 1000);
}

/** As exact as it is short: what lasts long needs no fractions. */
export function formatDuration(duration: number): string {
  const digits = duration >= 1000 ? 0 : duration >= 10 ? 1 : 3;
  return String(Number(duration.toFixed(digits)));
}

/** One decimal is enough for a pixel. */
export function pixels(value: number): string {
  return String(Math.round(value * 10) / 10);
}
