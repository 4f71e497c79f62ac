/**
 * The files of this folder: blocks of comments, commands and recorded output, separated by empty lines.
 *
 * ```text
 * # A comment.
 * propose 1 x
 * deliver
 * ----
 * output of both commands
 * ```
 */

export interface ScriptBlock {
  readonly comments: readonly string[];
  readonly commands: readonly string[];
  /** Recorded earlier; empty when nothing was printed. */
  readonly output: readonly string[];
}

const SEPARATOR = '----';

/** Throws when a block has commands but no recorded output, or comments in between. */
export function parseScript(text: string): ScriptBlock[] {
  return text
    .trimEnd()
    .split(/\n\n+/)
    .map((block) => parseBlock(block.split('\n')));
}

function parseBlock(lines: readonly string[]): ScriptBlock {
  const separator = lines.indexOf(SEPARATOR);
  const input = separator < 0 ? lines : lines.slice(0, separator);
  const comments = input.filter((line) => line.startsWith('#'));
  const commands = input.slice(comments.length);
  if (commands.some((line) => line.startsWith('#'))) throw new Error(`comments come first: ${commands.join(' / ')}`);
  return { comments, commands, output: separator < 0 ? [] : lines.slice(separator + 1) };
}

export function formatScript(blocks: readonly ScriptBlock[]): string {
  return `${blocks.map(formatBlock).join('\n\n')}\n`;
}

function formatBlock({ comments, commands, output }: ScriptBlock): string {
  return [...comments, ...commands, ...(commands.length === 0 ? [] : [SEPARATOR, ...output])].join('\n');
}
