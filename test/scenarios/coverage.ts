/**
 * Compares the catalogue of required behaviours with the tests that name them. Each behaviour has an id such as `E-01`;
 * a test that shows it carries the id in its name, a script in its text. What nothing shows yet is listed as open, with
 * the reason, and that list must be exact, so that it can only shrink as tests are written.
 */
import ts from 'typescript';

/** A behaviour that no test shows yet. */
export interface OpenScenario {
  readonly id: string;
  readonly why: string;
}

/** What to compare. */
export interface CoverageInput {
  readonly ids: readonly string[];
  readonly open: readonly OpenScenario[];
  /** The ids that tests name, each with the files that do. */
  readonly mentions: ReadonlyMap<string, readonly string[]>;
}

/** The outcome; without problems the list of open scenarios is exact. */
export interface CoverageReport {
  readonly uncoveredIds: readonly string[];
  readonly problems: readonly string[];
}

const idPattern = /\b[EPRCALMGQSYFTXDNKI]-\d\d\b/g;

/** The ids in a file's string literals, or, when it is not TypeScript, anywhere in it. Comments do not count. */
export function findScenarioIds(path: string, text: string): ReadonlySet<string> {
  const ids = new Set<string>();
  const collect = (part: string): void => {
    for (const [id] of part.matchAll(idPattern)) {
      ids.add(id);
    }
  };
  if (!path.endsWith('.ts')) {
    collect(text);
    return ids;
  }
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      collect(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false));
  return ids;
}

/** Every mismatch between catalogue, open list and tests. */
export function compareCoverage({ ids, open, mentions }: CoverageInput): CoverageReport {
  const known = new Set(ids);
  const openIds = new Set(open.map(({ id }) => id));
  const problems: string[] = [];
  for (const id of ids) {
    const files = mentions.get(id) ?? [];
    if (files.length === 0 && !openIds.has(id)) {
      problems.push(`${id} has no test and is not listed as open`);
    }
    if (files.length > 0 && openIds.has(id)) {
      problems.push(`${id} is listed as open but has a test in ${files.join(', ')}: take it off the list`);
    }
  }
  for (const [id, files] of mentions) {
    if (!known.has(id)) {
      problems.push(`${id} is named in ${files.join(', ')} but is not in the catalogue`);
    }
  }
  for (const { id, why } of open) {
    if (!known.has(id) || why.trim() === '') {
      problems.push(`${id} is listed as open, but is not in the catalogue or has no reason`);
    }
  }
  if (openIds.size !== open.length) {
    problems.push('an id is listed as open twice');
  }
  return { uncoveredIds: ids.filter((id) => !mentions.has(id)), problems };
}
