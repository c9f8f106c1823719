import { type Change, deleteMemory, setMemory } from '../coordination/memory/memory.js';
import {
  listMemories,
  memoryOf as memoryOfDocument,
  readPresent,
} from '../coordination/memory/read.js';
import { UsageError } from '../errors.js';
import { checkValue } from '../protocol/memory.js';
import { checkMemoryKey } from '../protocol/names.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import type { Memories, MemoryAnswer } from './memory-types.js';
import { memoryOf } from './results.js';

export function memoriesOf(acting: SdkContext): Memories {
  const { place, warn } = acting;
  return {
    get: async (named) => {
      const key = keyOf(named);
      const { present, skipped } = await readPresent(place, key);
      for (const error of skipped) warn(error.message);
      if (present === undefined || present.document.deleted === true) return undefined;
      return memoryOf(memoryOfDocument(key, present.document));
    },
    set: async (named, value, condition = {}) => {
      const key = keyOf(named);
      const shared = acting.scrubValue(key, checkValue(jsonOf(key, value)));
      const { ifAbsent, ifVersion } = condition;
      return answerOf(
        await acting.act(({ context }) => setMemory(context, key, shared, { ifAbsent, ifVersion })),
      );
    },
    delete: async (named, { ifVersion } = {}) => {
      const key = keyOf(named);
      return answerOf(await acting.act(({ context }) => deleteMemory(context, key, { ifVersion })));
    },
    list: async (prefix = '') => {
      const { memories, skipped } = await listMemories(place, String(prefix));
      for (const error of skipped) warn(error.message);
      return memories.map(memoryOf);
    },
  };
}

function keyOf(name: unknown): string {
  return checkMemoryKey(textOf('key', name));
}

/** The value as it will be read back: JSON drops or changes some values. */
function jsonOf(key: string, value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch (cause) {
    throw new UsageError(`the value of ${key} cannot be written as JSON`, {
      hint: 'Use strings, numbers, booleans, null, arrays and plain objects.',
      cause,
    });
  }
}

function answerOf(change: Change): MemoryAnswer {
  if (change.written) return { written: true, memory: memoryOf(change.memory) };
  const { present } = change;
  return { written: false, present: present === undefined ? undefined : memoryOf(present) };
}
