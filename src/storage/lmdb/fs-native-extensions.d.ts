/** The part of the package that is used; it brings no types. */
declare module 'fs-native-extensions' {
  /** `false` when another open file has the lock. Released when the file is closed. */
  export function tryLock(fd: number, options: { readonly exclusive: boolean } | { readonly shared: boolean }): boolean;
}
