/** Files as the stores need them: every call that must reach the disk says so. */

/**
 * One file, open. Reads and writes name their position; two writes to one file are never under way at once.
 *
 * After any call failed nothing is known about the file: a store that wrote to it must stop.
 */
export interface OpenFile {
  sizeBytes(): Promise<number>;
  /** Up to `length` bytes from `position` on; fewer only at the end of the file. The bytes belong to the caller. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** All of `bytes`, or a rejection. In the page cache when it resolves: durable only after `sync`. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Cuts the file, or extends it with zeros. */
  truncate(sizeBytes: number): Promise<void>;
  /** Content and size are on the disk when it resolves. The file's name is not: see `syncDirectory`. */
  sync(): Promise<void>;
  /** Does not make anything durable. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * The part of a file system that stores use. Errors are those of the platform, with their `code` (`ENOENT`, `ENOSPC`, ...).
 */
export interface FileSystem {
  /** Makes the directory and those above it that are missing. Their names are on the disk when it resolves. */
  makeDirectory(path: string): Promise<void>;
  /** The names in the directory, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Opens an existing file. Rejects with `ENOENT` when there is none. */
  openForReading(path: string): Promise<OpenFile>;
  /** Opens a file for reading and writing, with what it holds; makes an empty one when there is none. */
  openForWriting(path: string): Promise<OpenFile>;
  /** Puts a file or a directory in the place of `to`, atomically. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all it holds; no-op when it is not there. */
  remove(path: string): Promise<void>;
  /** What was made, renamed or removed in the directory is on the disk when it resolves. */
  syncDirectory(path: string): Promise<void>;
}
