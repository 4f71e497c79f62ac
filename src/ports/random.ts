/** Randomness, as the runtime sees it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A new identifier that no other node will ever make: 128 random bits as text. */
  uniqueId(): string;
}
