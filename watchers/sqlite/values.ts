/** Text, numbers, bytes and null, by column. Integers that a number cannot hold exactly are bigints. */
export type Row = Readonly<Record<string, unknown>>;
export type SqlValue = string | number;

const types = { text: 't', integer: 'i', real: 'r', blob: 'b' } as const;
const textBytes = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Returns whole rows: text as bytes, because `@photostructure/sqlite` 1.2.1 truncates it at a NUL, with which Hermes
 * starts structured content; one letter per column says what it was.
 */
export function columnArguments(columns: readonly string[]): string {
  const named = columns.map(quotedName);
  const kinds = named.map((name) => `substr(typeof(${name}), 1, 1)`).join(' || ');
  const whole = named.map(
    (name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`,
  );
  return [kinds, ...whole].join(', ');
}

export function rowOf(columns: readonly string[], values: readonly unknown[]): Row {
  const [kinds, ...cells] = values;
  const row: Record<string, unknown> = Object.create(null);
  for (const [index, column] of columns.entries()) {
    const isText = typeof kinds === 'string' && kinds[index] === types.text;
    row[column] = cellValue(cells[index] ?? null, isText);
  }
  return row;
}

/** A statement with its values inlined, because a statement run by name cannot take parameters. */
export function withValues(sql: string, values: readonly SqlValue[]): string {
  let index = 0;
  return sql.replaceAll('?', () => {
    const value = values[index] ?? null;
    index += 1;
    return literal(value);
  });
}

function cellValue(cell: unknown, isText: boolean): unknown {
  if (typeof cell === 'bigint') {
    const number = Number(cell);
    return Number.isSafeInteger(number) ? number : cell;
  }
  return isText && cell instanceof Uint8Array ? textBytes.decode(cell) : cell;
}

function literal(value: SqlValue | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') {
    return value.includes('\0')
      ? `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)`
      : `'${value.replaceAll("'", "''")}'`;
  }
  if (Number.isSafeInteger(value)) return String(value);
  return Number.isFinite(value) ? value.toExponential() : value > 0 ? '9e999' : '-9e999';
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQLite has 64-bit integers and infinities; JSON spells numbers that are read back as such. */
export function valueJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value === Number.POSITIVE_INFINITY) return '1e999';
  if (value === Number.NEGATIVE_INFINITY) return '-1e999';
  if (value instanceof Uint8Array) {
    return JSON.stringify({ base64: Buffer.from(value).toString('base64') });
  }
  return JSON.stringify(value);
}
