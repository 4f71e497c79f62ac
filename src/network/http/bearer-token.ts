/** The shared secret between nodes: how it is sent, and how it is compared without telling how much of it was right. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ConfigProblem } from '../../errors.ts';
import { tokenText } from './check-options.ts';

/**
 * One token; several, of which the first is sent and all are accepted, to change tokens without a stop; or a function
 * that returns either at each use, for tokens that change while the node runs.
 */
export type AuthToken = string | readonly string[] | (() => string | readonly string[]);

const SCHEME = 'Bearer ';

export function tokenProblems(authToken: AuthToken | undefined): ConfigProblem[] {
  if (authToken === undefined || typeof authToken === 'function') {
    return [];
  }
  const tokens = typeof authToken === 'string' ? [authToken] : authToken;
  if (tokens.length === 0) {
    return [{ field: 'authToken', value: '(no tokens)', rule: 'must hold at least one token' }];
  }
  // The value of a token must not reach a log.
  return tokens.flatMap((token) => {
    const rule = tokenText(token);
    return rule === null ? [] : [{ field: 'authToken', value: '(hidden)', rule }];
  });
}

/** The `authorization` header to send; `null` without a token. */
export function bearerHeader(authToken: AuthToken | undefined): string | null {
  const [token] = tokensOf(authToken);
  return token === undefined ? null : `${SCHEME}${token}`;
}

/** Whether an `authorization` header carries an accepted token. Without tokens everything is accepted. */
export function isAuthorized(header: string | undefined, authToken: AuthToken | undefined): boolean {
  if (authToken === undefined) {
    return true;
  }
  const given = digest(header?.startsWith(SCHEME) === true ? header.slice(SCHEME.length) : '');
  let isAccepted = false;
  for (const token of tokensOf(authToken)) {
    // No early exit: how long it takes must not tell which token matched.
    isAccepted = timingSafeEqual(digest(token), given) || isAccepted;
  }
  return isAccepted && header !== undefined;
}

function tokensOf(authToken: AuthToken | undefined): readonly string[] {
  const tokens = typeof authToken === 'function' ? authToken() : (authToken ?? []);
  return (typeof tokens === 'string' ? [tokens] : tokens).filter((token) => token.length > 0);
}

/** Of equal length for all tokens, as the comparison needs. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
