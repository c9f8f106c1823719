import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

/** One import of one source file, static or dynamic. Paths are relative to the repository, with `/`. */
export interface Import {
  readonly from: string;
  /** A file of ours (`src/io.ts`), or the name of a package or of a Node module as it was written. */
  readonly to: string;
  readonly isOurs: boolean;
  /** Nothing of it is left at run time. */
  readonly isType: boolean;
  readonly isDynamic: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly hasDefaultExport: boolean;
  /** `process.stdout`, `console.log` and the like, each once. */
  readonly writesTo: readonly string[];
  readonly hasDoubleCast: boolean;
  /** The longest function in it, by where it starts. */
  readonly longest: { readonly line: number; readonly lines: number };
  /** Every identifier and every piece of text in it, comments left out. */
  readonly words: readonly string[];
}

/** All TypeScript below these folders of the repository, parsed. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
      .sort()
      .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8'))),
  );
}

export function parseSource(path: string, code: string): SourceFile {
  const imports: Import[] = [];
  const writesTo = new Set<string>();
  const words = new Set<string>();
  let longest = { line: 0, lines: 0 };
  let hasDefaultExport = false;
  let hasDoubleCast = false;
  const add = (source: Node, isType: boolean, isDynamic: boolean): void => {
    const written = String(source.value);
    const isOurs = written.startsWith('.');
    const to = isOurs
      ? posix.join(dirname(path), written).replace(/\.js$/, '.ts')
      : written.replace(/^node:/, '');
    imports.push({ from: path, to, isOurs, isType, isDynamic });
  };
  visit(parseAst(code, { lang: 'ts' }, path), (node) => {
    if (node.type === 'ImportDeclaration') add(child(node, 'source'), isTypeOnly(node), false);
    if (node.type === 'ExportAllDeclaration' || node.type === 'ExportNamedDeclaration') {
      if (isNode(node.source)) add(node.source, isTypeOnly(node), false);
    }
    if (node.type === 'ImportExpression') add(child(node, 'source'), false, true);
    if (node.type === 'TSImportType') add(child(node, 'source'), true, false);
    if (node.type === 'ExportDefaultDeclaration') hasDefaultExport = true;
    if (node.type === 'TSAsExpression') hasDoubleCast ||= isDoubleCast(node);
    for (const word of wordsOf(node)) words.add(word);
    const extent = functionExtent(node, code);
    if (extent.lines > longest.lines) longest = extent;
    const target = outputOf(node);
    if (target !== undefined) writesTo.add(target);
  });
  return {
    path,
    lines: code.split('\n').length - 1,
    imports,
    hasDefaultExport,
    hasDoubleCast,
    writesTo: [...writesTo],
    longest,
    words: [...words],
  };
}

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function child(node: Node, field: string): Node {
  const value = node[field];
  if (!isNode(value)) throw new Error(`${node.type} without ${field}`);
  return value;
}

function visit(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) visit(one, look);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value)) look(value);
  for (const one of Object.values(value)) visit(one, look);
}

/** `import type …`, or nothing but `type` names between the braces. */
function isTypeOnly(node: Node): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const names = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return (
    names.length > 0 &&
    names.every((name) => name.importKind === 'type' || name.exportKind === 'type')
  );
}

function isDoubleCast(node: Node): boolean {
  const inner = node.expression;
  if (!isNode(inner) || inner.type !== 'TSAsExpression') return false;
  return child(inner, 'typeAnnotation').type === 'TSUnknownKeyword';
}

function functionExtent(
  { type, start, end }: Node,
  code: string,
): { readonly line: number; readonly lines: number } {
  if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type)) {
    return { line: 0, lines: 0 };
  }
  const before = code.slice(0, Number(start)).split('\n').length;
  return { line: before, lines: code.slice(Number(start), Number(end)).split('\n').length };
}

function wordsOf({ type, name, value }: Node): readonly string[] {
  if (type === 'Identifier' || type === 'PrivateIdentifier') return [String(name)];
  if (type === 'Literal' && typeof value === 'string') return [value];
  if (type === 'TemplateElement') return [String(Reflect.get(Object(value), 'raw'))];
  return [];
}

function outputOf(node: Node): string | undefined {
  if (node.type !== 'MemberExpression' || !isNode(node.object) || !isNode(node.property)) return;
  const { object, property } = node;
  if (object.type !== 'Identifier') return;
  if (object.name === 'console') return 'console';
  if (object.name === 'process' && property.name === 'stdout') return 'process.stdout';
  return undefined;
}
