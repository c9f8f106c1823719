import { readerOf } from '../../watchers/readers.js';
import { usageReaderOf } from '../../watchers/usage.js';
import { fields } from '../conversation/fields.js';
import { parsedLine } from '../conversation/outline.js';
import type { LineOutline, OpenOutline } from '../mirror/outline.js';

/** Counts and titles conversations for the mirror, and what their calls took, whatever the harness. */
export const openOutline: OpenOutline = ({ harness, id: session }, stream, state) => {
  const place = { session, stream };
  const reader = readerOf(harness);
  const tokens = usageReaderOf(harness);
  const saved = fields(state);
  const isNew = state === undefined;
  const outline = isNew ? reader?.outline(place) : reader?.outline(place, saved.outline);
  const usage = isNew ? tokens?.open(place) : tokens?.resume(place, saved.usage);
  if (outline === undefined || (tokens !== undefined && usage === undefined)) return undefined;
  const fold: LineOutline = {
    row: (line, number) => {
      const value = parsedLine(line);
      outline.take(value, number);
      if (value !== undefined) usage?.row(value);
    },
    state: () => ({
      outline: outline.state(),
      ...(usage === undefined ? {} : { usage: usage.state() }),
    }),
    outline: () => outline.outline(),
    usage: () => usage?.usage(),
  };
  return fold;
};
