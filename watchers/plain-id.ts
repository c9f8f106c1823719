/** What transcripts may call a session or an agent: it becomes part of keys, file names and signals. */
export function isPlainId(text: string | undefined): text is string {
  return text !== undefined && /^[a-z0-9][a-z0-9._-]{0,127}$/i.test(text);
}
