import { findDeterminismViolations } from './lint/determinism.ts';
import { listSourceFiles, runCheck } from './lint/source-files.ts';

runCheck(listSourceFiles(['src', 'test']), findDeterminismViolations);
