/** Works on a list, some items at a time. */

/** Resolves with the results in the order of the items. The first failure ends it; what is under way goes on. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(items.length);
  const rest = items.entries();
  const loop = async (): Promise<void> => {
    for (const [position, item] of rest) results[position] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, loop));
  return results;
}
