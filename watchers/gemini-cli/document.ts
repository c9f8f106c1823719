import { type Fields, fields, list, word } from '../../src/conversation/fields.js';
import { lineOf, picked, rowOn } from '../copied-rows.js';
import type { DocumentRows } from '../files/document-file.js';

const header = 'header';
const settings = 'settings';
const headerFields = ['sessionId', 'projectHash', 'startTime', 'kind'];
/** What `$set` changes in the records of later releases. */
const settingFields = ['summary', 'directories'];

/**
 * The one document of releases up to 0.38, told in the records of later ones: a header, a record for each state of a
 * message, `$set` for the rest and, once messages are gone, for which ones are left. So everything that reads one reads both.
 */
export const documentRows: DocumentRows = {
  rowsIn: (text) => {
    const document = parsed(text);
    const messages = list(document.messages).map(fields);
    if (word(document.sessionId) === undefined) return undefined;
    const rows = new Map([[header, lineOf(picked(document, headerFields))]]);
    for (const message of messages) {
      const id = idOf(message);
      if (id !== undefined) rows.set(keyOf(id), lineOf(message));
    }
    const set = picked(document, settingFields);
    if (Object.keys(set).length > 0) rows.set(settings, lineOf({ $set: set }));
    return rows;
  },
  leftLine: (rows) => {
    const messages = [...rows.values()].map(rowOn).filter((row) => idOf(row) !== undefined);
    return lineOf({ $set: { messages: messages.map(({ id, type }) => ({ id, type })) } });
  },
  parse: (line) => {
    const row = rowOn(line);
    const id = idOf(row);
    if (id !== undefined) return { key: keyOf(id) };
    const { messages } = fields(row.$set);
    if (Array.isArray(messages)) {
      const ids = messages.flatMap((message) => idOf(fields(message)) ?? []);
      return { left: new Set([header, settings, ...ids.map(keyOf)]) };
    }
    if (row.$set !== undefined) return { key: settings };
    return word(row.sessionId) === undefined ? undefined : { key: header };
  },
};

function idOf({ id, type }: Fields): string | undefined {
  return type === undefined ? undefined : word(id);
}

function keyOf(id: string): string {
  return `message ${id}`;
}

/** Empty if it is only half written. */
function parsed(text: string): Fields {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {};
  }
}
