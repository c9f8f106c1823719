import type { ClaudeRow } from './rows.js';

/**
 * Prompts on an abandoned branch, left by /rewind or by editing them. The path from the last thing said back to the
 * root, row by row, is the current branch; a prompt that forks off this path was taken back. Only prompts are checked:
 * parallel calls fork the graph everywhere.
 */
export function abandonedPrompts(rows: readonly ClaudeRow[]): ReadonlySet<ClaudeRow> {
  const parents = new Map<string, string | undefined>();
  for (const { id, parentId } of rows) if (id !== undefined) parents.set(id, parentId);
  const last = rows.findLast((row) => row.isSpoken && row.id !== undefined);
  const gone = new Set(wayFrom(last?.id, parents));
  const joins = new Map<string, boolean>();
  const abandoned = new Set<ClaudeRow>();
  for (const row of rows) {
    const { id } = row;
    if (id === undefined || gone.has(id) || !row.isSpoken || !isTypedPrompt(row)) continue;
    if (doesJoin(id, gone, parents, joins)) abandoned.add(row);
  }
  return abandoned;
}

export function isTypedPrompt({ pieces }: ClaudeRow): boolean {
  return pieces.some((piece) => piece.kind === 'prompt' && piece.isQueued !== true);
}

function* wayFrom(
  start: string | undefined,
  parents: ReadonlyMap<string, string | undefined>,
): Generator<string> {
  const seen = new Set<string>();
  for (let id = start; id !== undefined && !seen.has(id); id = parents.get(id)) {
    seen.add(id);
    yield id;
  }
}

/** Whether the path from here joins the current branch. Results are cached: branches are long, and prompts many. */
function doesJoin(
  start: string,
  gone: ReadonlySet<string>,
  parents: ReadonlyMap<string, string | undefined>,
  joins: Map<string, boolean>,
): boolean {
  const way: string[] = [];
  let found = false;
  for (const id of wayFrom(start, parents)) {
    const known = joins.get(id);
    if (known !== undefined || gone.has(id)) {
      found = known ?? true;
      break;
    }
    way.push(id);
  }
  for (const id of way) joins.set(id, found);
  return found;
}
