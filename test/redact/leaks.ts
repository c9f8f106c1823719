/** Undoes JSON escaping of any depth, as far as finding a leak goes. */
export function unescaped(text: string): string {
  return text
    .replace(/\\+u([0-9a-fA-F]{4})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(/\\+([nrtbf])/g, ' ')
    .replace(/\\+(["\\/])/g, '$1');
}

/** Whether 16 characters in a row of the secret (all of a shorter one) are in the text, however it is escaped. */
export function leaks(text: string, secret: string): boolean {
  const plain = unescaped(text);
  const wanted = unescaped(secret);
  const length = Math.min(wanted.length, 16);
  for (let at = 0; at + length <= wanted.length; at += 1) {
    if (plain.includes(wanted.slice(at, at + length))) return true;
  }
  return false;
}

/** One level of JSON, as different serializers write it. */
export const serializers: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  json: (text) => JSON.stringify({ type: 'result', text }),
  nested: (text) => JSON.stringify({ payload: JSON.stringify({ output: text }) }),
  deep: (text) => JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ c: text }) }) }),
  dotnet: (text) =>
    JSON.stringify({ text }).replace(/[+&<>']/g, (char) =>
      unicode(char).toUpperCase().replace('\\U', '\\u'),
    ),
  php: (text) => JSON.stringify({ text }).replaceAll('/', '\\/'),
  ascii: (text) => JSON.stringify({ text }).replace(/[\u0080-\uffff]/g, unicode),
  go: (text) => JSON.stringify({ text }).replace(/[<>&]/g, unicode),
};

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
