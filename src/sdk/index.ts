export {
  BlockedError,
  LostError,
  NotAllowedError,
  NotFoundError,
  PartialError,
  RefusedError,
  SourceError,
  TimedOutError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
  UsageError,
} from '../errors.js';
export type * from './artifact-types.js';
export type * from './export-types.js';
export type * from './mail-types.js';
export type * from './memory-types.js';
export { openTracecraft } from './open.js';
export type * from './run-types.js';
export type * from './search-types.js';
export type * from './session-types.js';
export type * from './types.js';
export type * from './usage-types.js';
