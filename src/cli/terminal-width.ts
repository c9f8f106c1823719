/** The number of columns available to the answer; without a terminal nothing is truncated. */
export function terminalWidth(
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): number {
  // A terminal that does not know its size says 0.
  return stream.isTTY === true ? Math.max(20, stream.columns || 80) : Number.POSITIVE_INFINITY;
}
