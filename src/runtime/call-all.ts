/** Telling everybody, although one of them may fail. */

/** Calls each of `callbacks`, also after one threw; then throws what was thrown first. */
export function callAll(callbacks: Iterable<() => void>): void {
  const errors: unknown[] = [];
  for (const callback of callbacks) {
    try {
      callback();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
