/** What a store of keys is asked, and what it answers. */
import type { Scalar } from './scalar.ts';

/** `null` as a value stands for "no such key", everywhere. */
export type KeyValueInput =
  | { readonly type: 'get'; readonly key: string /** The list that saw the key so. */; readonly listed?: string }
  | { readonly type: 'put'; readonly key: string; readonly value: Scalar }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'cas'; readonly key: string; readonly from: Scalar; readonly to: Scalar }
  /** All keys that start with `prefix`, and their values, as they were at one moment. */
  | { readonly type: 'list'; readonly prefix: string };

/** Key and value, in any order of the keys. */
export type ListedEntries = readonly (readonly [string, Scalar])[];

/**
 * The value, for a get; the entries, for a list; whether it was done, for a cas; whether the key existed, for a delete,
 * or `null` if the service doesn't tell. What a put answers is not looked at.
 */
export type KeyValueOutput = Scalar | ListedEntries;
