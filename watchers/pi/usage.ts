import { fields, word } from '../../src/conversation/fields.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';
import { EventUsage } from '../usage-events.js';

/** Pi's calls, by the provider's id: ids of rows are unique in one file only. */
export const piUsage = createUsageReader(
  'pi',
  (place, saved) =>
    new EventUsage(({ id, message }) => word(fields(message).responseId) ?? word(id), place, saved),
);
