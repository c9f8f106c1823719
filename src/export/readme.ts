import type { ExportFormat } from './row-files.js';
import { type ColumnType, type Table, type TableName, tableNames, tables } from './tables.js';

const typeNames: Readonly<Record<ColumnType, string>> = {
  text: 'string',
  count: 'int64',
  amount: 'double',
  flag: 'boolean',
  time: 'timestamp (UTC)',
};

/** Three questions, in DuckDB's SQL. */
export function exampleQueries(format: ExportFormat): readonly (readonly [string, string])[] {
  const from = (table: TableName): string => {
    const read = format === 'parquet' ? 'read_parquet' : 'read_json_auto';
    return `${read}('${table}/*/*.${format}')`;
  };
  return [
    [
      'Which tools fail most often?',
      `SELECT tool, count(*) AS calls, count(*) FILTER (WHERE is_error) AS errors
FROM ${from('entries')}
WHERE kind = 'call'
GROUP BY tool
ORDER BY errors DESC, calls DESC, tool;`,
    ],
    [
      'What did each agent use?',
      `SELECT agent, count(*) AS sessions, sum(input_uncached + cache_read + cache_write) AS input, sum(output) AS output
FROM ${from('sessions')}
GROUP BY agent
ORDER BY output DESC, agent;`,
    ],
    [
      'Which steps were blocked, and what was said last?',
      `SELECT step, from_agent, note, "at"
FROM ${from('handoffs')}
WHERE state = 'blocked'
ORDER BY "at", step;`,
    ],
  ];
}

/** The page beside the tables. */
export function exportReadme(project: string, format: ExportFormat): string {
  const queries = exampleQueries(format).map(
    ([question, sql]) => `${question}\n\n\`\`\`sql\n${sql}\n\`\`\``,
  );
  return `# Sessions of ${project.replace(/[^\w.-]/g, '')} as tables

Written by \`tracecraft export\`. Each table is a folder with a file per month, \`<table>/month=2026-11/<table>.${format}\`: sessions and their entries by the month in which the session began, events and handoffs by their own. A file is replaced whole. \`${'_export.json'}\` lists what each was made from.

${tableNames.map((name) => schemaOf(tables[name])).join('\n\n')}

## Queries

Run in this folder with DuckDB; pandas, Spark and Trino read the same files.

${queries.join('\n\n')}
`;
}

function schemaOf({ name, about, columns }: Table): string {
  const rows = columns.map((one) => `| ${one.name} | ${typeNames[one.type]} | ${one.about} |`);
  return [`## ${name}`, '', `${about}.`, '', '| column | type | |', '|---|---|---|', ...rows].join(
    '\n',
  );
}
