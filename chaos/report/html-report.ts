import type { ChaosResult } from './result.ts';
export function renderReport(result: ChaosResult): string {
  return `<pre>${JSON.stringify(result, null, 1)}</pre>`;
}
