/** What a scenario is: a group of figures that are measured in a process of their own. */
import type { Figure } from './figure.ts';

export interface ScenarioSettings {
  /** How often each figure is measured. */
  readonly repeats: number;
  /** Measure less, to see that everything runs: the figures are not worth comparing. */
  readonly isQuick: boolean;
}

export interface Scenario {
  /** As on the command line; the name of its file. */
  readonly name: string;
  /** What is measured, on what, and where the load comes from. */
  readonly title: string;
  /** Yields each figure as soon as it is measured, so that a later failure loses none. */
  measure(settings: ScenarioSettings): AsyncIterable<Figure>;
}

/** What the process of a scenario tells the one that started it. */
export type ScenarioReport =
  | { readonly type: 'figure'; readonly figure: Figure }
  | { readonly type: 'failed'; readonly error: string };
