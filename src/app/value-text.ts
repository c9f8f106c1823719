/** A JSON value under the last part of its key, which may tell that it is a secret. */
export function textOfValue(key: string, value: unknown): string {
  return JSON.stringify({ [key.slice(key.lastIndexOf('.') + 1)]: value });
}
