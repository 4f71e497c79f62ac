/** All mutants of `npm run mutants`. */
import type { Mutant } from './mutant.ts';
import { ELECTION_MUTANTS } from './table/elections.ts';
import { MEMBERSHIP_MUTANTS } from './table/membership.ts';
import { PROPOSAL_MUTANTS } from './table/proposals.ts';
import { READ_MUTANTS } from './table/reads.ts';
import { REPLICATION_MUTANTS } from './table/replication.ts';
import { SNAPSHOT_MUTANTS } from './table/snapshots.ts';

export const MUTANTS: readonly Mutant[] = [
  ...ELECTION_MUTANTS,
  ...REPLICATION_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...READ_MUTANTS,
  ...SNAPSHOT_MUTANTS,
  ...PROPOSAL_MUTANTS,
];
