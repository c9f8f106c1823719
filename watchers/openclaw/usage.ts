import { word } from '../../src/conversation/fields.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';
import { EventUsage } from '../usage-events.js';

/** OpenClaw's calls, by the id of their event. */
export const openclawUsage = createUsageReader(
  'openclaw',
  (place, saved) => new EventUsage(({ id }) => word(id), place, saved),
);
