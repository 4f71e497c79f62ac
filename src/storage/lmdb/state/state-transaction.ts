/** What an application reads and changes its state through. */
import { ValueCodec } from '../../../codec/msgpack-codec.ts';
import type { ChangeLayer, RowChange } from './change-layer.ts';
import { mergedRows } from './merged-rows.ts';
import type { KeyRange, RowKey, RowRange, StateKey } from './state-key.ts';
import { keyOf, rowKey, rowRange, tablePrefix } from './state-key.ts';

export interface RangeOptions<Key extends StateKey> extends KeyRange<Key> {
  /** At most so many rows. */
  readonly limit?: number;
}

/** Reads rows. Values are copies: to change one is to change nothing. */
export interface StateReadTable<Key extends StateKey, Value> {
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  /**
   * Rows in the order of their keys: numbers, then texts by code point, then lists by their parts. Shows the state at
   * the time of the call, whatever is changed while it is read.
   */
  range(options?: RangeOptions<Key>): IterableIterator<readonly [Key, Value]>;
}

export interface StateTable<Key extends StateKey, Value> extends StateReadTable<Key, Value> {
  /** @throws SerializationError when the value is no plain data: what `msgpackCodec` takes, except `undefined` */
  put(key: Key, value: Value): void;
  /** Does nothing when there is no such row. */
  remove(key: Key): void;
}

/** A consistent view, for the duration of one call. */
export interface StateReadTransaction {
  /** Any name; a table is there when it has a row. What is in it is up to the application. */
  table<Key extends StateKey, Value>(name: string): StateReadTable<Key, Value>;
}

/** The same with changes, which it sees at once. */
export interface StateTransaction {
  table<Key extends StateKey, Value>(name: string): StateTable<Key, Value>;
}

/** What lies below the changes of a transaction. */
export interface StateRows {
  /** The encoded value. */
  get(key: RowKey): Uint8Array | null;
  /** Sources for `mergedRows`, the uppermost first; they stay as they are while a transaction is open. */
  sources(range: RowRange): readonly Iterator<RowChange, unknown>[];
}

/** The longest encoded value. */
export const VALUE_BYTES_MAX: number = 256 * 1024 * 1024;

const values = new ValueCodec('value');

/** Rows below, changes above; usable until `close`. */
class TransactionScope {
  readonly #rows: StateRows;
  readonly #changes: ChangeLayer | null;
  readonly #ranges = new Set<Iterator<unknown>>();
  #isOpen = true;

  constructor(rows: StateRows, changes: ChangeLayer | null) {
    this.#rows = rows;
    this.#changes = changes;
  }

  get(key: RowKey): Uint8Array | null {
    this.check();
    const change = this.#changes?.get(key);
    return change === undefined ? this.#rows.get(key) : change;
  }

  set(key: RowKey, value: Uint8Array | null): void {
    this.check();
    this.#changes?.set(key, value);
  }

  /** The rows as they are now. */
  range(range: RowRange): Iterator<readonly [RowKey, Uint8Array]> {
    this.check();
    const own = this.#changes === null ? [] : [[...this.#changes.rows(range)].values()];
    const rows = mergedRows([...own, ...this.#rows.sources(range)], range.isReverse);
    this.#ranges.add(rows);
    return rows;
  }

  release(rows: Iterator<unknown>): void {
    rows.return?.();
    this.#ranges.delete(rows);
  }

  check(): void {
    if (!this.#isOpen) throw new TypeError('the transaction is over: use it only inside the function it was passed to');
  }

  close(): void {
    this.#isOpen = false;
    for (const rows of this.#ranges) rows.return?.();
    this.#ranges.clear();
  }
}

class ReadTable<Key extends StateKey, Value> implements StateReadTable<Key, Value> {
  protected readonly scope: TransactionScope;
  protected readonly prefix: RowKey;

  constructor(scope: TransactionScope, name: string) {
    scope.check();
    this.scope = scope;
    this.prefix = tablePrefix(name);
  }

  get(key: Key): Value | undefined {
    const bytes = this.scope.get(rowKey(this.prefix, key));
    // A cast: the table holds what the application put into it.
    return bytes === null ? undefined : (values.decode(bytes) as Value);
  }

  has(key: Key): boolean {
    return this.scope.get(rowKey(this.prefix, key)) !== null;
  }

  range(options: RangeOptions<Key> = {}): IterableIterator<readonly [Key, Value]> {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    if (!(limit >= 0)) throw new RangeError(`a limit of ${limit} rows`);
    const rows = this.scope.range(rowRange(this.prefix, options));
    return new TableRows<Key, Value>({ scope: this.scope, prefix: this.prefix, rows, limit });
  }
}

class WriteTable<Key extends StateKey, Value> extends ReadTable<Key, Value> implements StateTable<Key, Value> {
  put(key: Key, value: Value): void {
    if (value === undefined) throw new TypeError("'undefined' can't be put: remove the row instead");
    const bytes = values.encode(value);
    if (bytes.byteLength > VALUE_BYTES_MAX) {
      throw new RangeError(`a value of ${bytes.byteLength} bytes, more than ${VALUE_BYTES_MAX}: split it`);
    }
    this.scope.set(rowKey(this.prefix, key), bytes);
  }

  remove(key: Key): void {
    this.scope.set(rowKey(this.prefix, key), null);
  }
}

interface TableRowsParts {
  readonly scope: TransactionScope;
  readonly prefix: RowKey;
  readonly rows: Iterator<readonly [RowKey, Uint8Array]>;
  readonly limit: number;
}

class TableRows<Key extends StateKey, Value> implements IterableIterator<readonly [Key, Value]> {
  readonly #parts: TableRowsParts;
  #left: number;

  constructor(parts: TableRowsParts) {
    this.#parts = parts;
    this.#left = parts.limit;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<readonly [Key, Value], undefined> {
    const { scope, prefix, rows } = this.#parts;
    scope.check();
    const next = this.#left >= 1 ? rows.next() : { done: true as const, value: undefined };
    if (next.done === true) return this.return();
    this.#left -= 1;
    const [row, bytes] = next.value;
    // Casts: key and value are what the application put into the table.
    return { done: false, value: [keyOf(prefix, row) as Key, values.decode(bytes) as Value] };
  }

  return(): IteratorReturnResult<undefined> {
    this.#left = 0;
    this.#parts.scope.release(this.#parts.rows);
    return { done: true, value: undefined };
  }
}

/** Runs a function over the rows. Nothing it got can be used any more when this returns. */
export function runRead<T>(rows: StateRows, read: (transaction: StateReadTransaction) => T): T {
  const scope = new TransactionScope(rows, null);
  try {
    return read({ table: <Key extends StateKey, Value>(name: string) => new ReadTable<Key, Value>(scope, name) });
  } finally {
    scope.close();
  }
}

/** The same with changes, which go into a layer: also when it throws. */
export function runWrite<T>(rows: StateRows, changes: ChangeLayer, write: (transaction: StateTransaction) => T): T {
  const scope = new TransactionScope(rows, changes);
  try {
    return write({ table: <Key extends StateKey, Value>(name: string) => new WriteTable<Key, Value>(scope, name) });
  } finally {
    scope.close();
  }
}
