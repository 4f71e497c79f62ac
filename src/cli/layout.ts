/** Text in columns. */

/** The cells of a row; those of numbers are put to the right. */
export type Row = readonly (string | number)[];

const GAP = '  ';
const GROUPS = new Intl.NumberFormat('en-US');

/** Columns as wide as their widest cell. */
export function table(rows: readonly Row[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, textOf(cell).length);
  }
  const lines = rows.map((row) => row.map((cell, i) => padded(cell, widths[i] ?? 0)).join(GAP));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** A table under a line of headings; those of numbers are put to the right, too. */
export function headedTable(headings: readonly string[], rows: readonly Row[]): string {
  const isNumber = headings.map((_, i) => typeof rows[0]?.[i] === 'number');
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => textOf(row[i] ?? '').length)),
  );
  const head = headings.map((heading, i) => (isNumber[i] === true ? heading.padStart(widths[i] ?? 0) : heading));
  const cells = rows.map((row) => row.map((cell, i) => padded(cell, widths[i] ?? 0)));
  return table([head, ...cells]);
}

export function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, GAP);
}

/** In lines of at most this many characters. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width && line !== '') {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}

function padded(cell: string | number, width: number): string {
  return typeof cell === 'number' ? textOf(cell).padStart(width) : cell.padEnd(width);
}

function textOf(cell: string | number): string {
  return typeof cell === 'number' ? GROUPS.format(cell) : cell;
}

/** With separators between thousands. */
export function countText(count: number): string {
  return GROUPS.format(count);
}

/** `1 entry`, `2 entries`. */
export function countOf(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
