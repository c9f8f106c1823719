/** The row on a line; `undefined` if it is not JSON. */
export function parsedRow(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
