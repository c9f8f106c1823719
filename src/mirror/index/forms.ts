import type { Layout } from '../../protocol/keys.js';
import { encodeLines, type ListedFields, listedFields, parseFields } from './lines.js';
import type { RowForm } from './row-files.js';
import { encodePage, parsePage, rowsOf } from './usage-page.js';
import type { UsedRow } from './used-rows.js';

/** What lists of sessions are made of. */
export function listedForm(layout: Layout): RowForm<ListedFields> {
  return {
    contentType: 'application/jsonl',
    key: (writer, file) => layout.index(writer, file),
    parse: (body) => parseFields(listedFields, body),
    encode: encodeLines,
  };
}

/** What reports on tokens are made of. */
export function usedForm(layout: Layout): RowForm<UsedRow> {
  return {
    contentType: 'application/json',
    key: (writer, file) => layout.usagePage(writer, file),
    parse: (body) => {
      const page = parsePage(body);
      return page === undefined ? [] : rowsOf(page);
    },
    encode: encodePage,
  };
}
