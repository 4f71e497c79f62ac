/** Reads the documentation: files, headings, code blocks, links. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface CodeBlock {
  /** What follows the opening fence: `ts`, `sh`, ... */
  readonly language: string;
  readonly code: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

export interface Section {
  readonly heading: string;
  /** Up to the next heading, whatever its level. */
  readonly text: string;
}

const root = new URL('../../', import.meta.url);

export function readRepositoryFile(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** All documents that users read. */
export function readDocuments(): readonly Document[] {
  const docs = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];
  return paths.map((path) => ({ path, text: readRepositoryFile(path) }));
}

/** Throws when a fence is not closed. */
export function findCodeBlocks(text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { readonly language: string; readonly line: number; readonly code: string[] } | null = null;
  for (const [offset, line] of text.split('\n').entries()) {
    if (!line.startsWith('```')) open?.code.push(line);
    else if (open === null) open = { language: line.slice(3).trim(), line: offset + 1, code: [] };
    else {
      blocks.push({ language: open.language, code: `${open.code.join('\n')}\n`, line: open.line });
      open = null;
    }
  }
  if (open !== null) throw new Error(`the code block at line ${open.line} has no end`);
  return blocks;
}

/** The text with code blocks and inline code blanked out, line by line. */
function withoutCode(text: string): string {
  let isCode = false;
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('```')) {
      isCode = !isCode;
      return '';
    }
    return isCode ? '' : line.replaceAll(/`[^`]*`/g, '');
  });
  return lines.join('\n');
}

/** Headings of the given level (2: `##`), each with what stands under it. */
export function findSections(text: string, level: number): readonly Section[] {
  const mark = `${'#'.repeat(level)} `;
  const parts = text.split(/^(?=#{1,6} )/m);
  return parts
    .filter((part) => part.startsWith(mark))
    .map((part) => {
      const end = part.indexOf('\n');
      return { heading: part.slice(mark.length, end).trim(), text: part.slice(end + 1) };
    });
}

/** What `[text](target)` points to. */
export function findLinks(text: string): readonly string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => target ?? []);
}

/** The anchors of a document's headings, as the usual renderers make them. */
export function findAnchors(text: string): ReadonlySet<string> {
  const headings = withFencesBlanked(text).matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading]) => anchorOf(heading ?? '')));
}

function withFencesBlanked(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

function anchorOf(heading: string): string {
  const kept = heading.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}\- _]/gu, '');
  return kept.trim().replaceAll(' ', '-');
}
