/** A part of a node with some of its methods replaced. */

/** Everything but `methods` goes to `target`, on `target` itself, so that its private fields work. */
export function override<T extends object>(target: T, methods: Partial<T>): T {
  // Not of `target`: the methods of a frozen one could not be replaced.
  return new Proxy({} as T, {
    get(_empty, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
