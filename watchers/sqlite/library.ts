export type SqliteLibrary = Pick<typeof import('@photostructure/sqlite'), 'DatabaseSync'>;

/**
 * Node's own SQLite if it has what reading needs (aggregate functions: Node 22.16 and 24.0), else the package with the
 * same interface. Fails if that is not installed, or has no binary for this machine.
 */
export async function loadSqlite(): Promise<SqliteLibrary> {
  return ownSqlite() ?? import('@photostructure/sqlite');
}

function ownSqlite(): SqliteLibrary | undefined {
  const module: unknown = withoutWarnings(() => process.getBuiltinModule('node:sqlite'));
  return isLibrary(module) ? module : undefined;
}

function isLibrary(module: unknown): module is SqliteLibrary {
  if (typeof module !== 'object' || module === null || !('DatabaseSync' in module)) return false;
  const { DatabaseSync } = module;
  return typeof DatabaseSync === 'function' && 'aggregate' in Object(DatabaseSync.prototype);
}

/** Some versions of Node warn at the first load that the module is experimental; users can do nothing about that. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
