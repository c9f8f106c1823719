import { readerOf } from '../../watchers/readers.js';
import type { OpenOutline } from '../mirror/outline.js';

/** Counts and titles conversations for the mirror, whatever the harness. */
export const openOutline: OpenOutline = ({ harness, id: session }, stream, ...state) => {
  const reader = readerOf(harness);
  const place = { session, stream };
  return state.length === 0 || state[0] === undefined
    ? reader?.outline(place)
    : reader?.outline(place, state[0]);
};
