import { measures, pointsOf } from './curves.mjs';

const width = 720;

/** Inline SVG for what a log's figures are worth seeing as. */
export function chartsOf(log) {
  const draw = { claims, startup, latency, read, mirror, requests, scale }[log.bench];
  return draw === undefined ? [] : draw(log);
}

function claims({ table }) {
  return ['processes', 'library'].map((way) => {
    const rows = table.filter((one) => one.way === way);
    const items = rows.map((one) => [`${one.mode}, ${one.processes}`, one.ms_p50]);
    return bars(`One race, ${way}: milliseconds until the last one knows (median)`, items);
  });
}

function startup({ table }) {
  const items = table.filter((one) => !one.extra_ca).map((one) => [one.case, one.cpu_ms]);
  return [bars('CPU time, milliseconds (median)', items)];
}

function latency({ table }) {
  const items = table.flatMap((one) => [
    [`${one.case ?? 'many sessions'}: p50`, one.p50_ms],
    [`${one.case ?? 'many sessions'}: p99`, one.p99_ms],
  ]);
  return [bars('Milliseconds from a line to its part in the bucket', items)];
}

function read({ table }) {
  const items = table.map((one) => [`${one.command}, ${one.items}`, one.ms_p50]);
  return [bars('Milliseconds from a store that is 30 ms away (median)', items)];
}

function mirror({ memory }) {
  return Object.entries(memory).map(([name, samples]) =>
    curve(
      `Memory, MB over seconds: ${name}`,
      samples.map((one) => [one.at_ms / 1000, one.rss_mb]),
    ),
  );
}

function requests({ log }) {
  const first = log[0]?.at_ms ?? 0;
  return [
    curve(
      'Requests so far, over seconds',
      log.map((one, n) => [(one.at_ms - first) / 1000, n + 1]),
    ),
  ];
}

function scale({ table }) {
  const curves = [...new Set(table.map(({ curve }) => curve))];
  return curves.flatMap((curve) =>
    measures
      .map(({ name, title }) => {
        const rows = table.filter((one) => one.curve === curve);
        const lines = [...new Set(rows.map(({ what }) => what))]
          .map((what) => [
            what,
            pointsOf(
              rows.filter((one) => one.what === what),
              name,
            ),
          ])
          .filter(([, points]) => points.length > 1);
        return lines.length === 0 ? '' : growth(`${curve}: ${title}`, lines);
      })
      .filter((chart) => chart !== ''),
  );
}

/** Lines over a logarithmic scale of sizes, each named at its end. */
function growth(title, lines) {
  const height = 210;
  const [left, top, right, bottom] = [50, 30, width - 200, height - 24];
  const all = lines.flatMap(([, points]) => points);
  const sizes = [...new Set(all.map(([size]) => size))].sort((a, b) => a - b);
  const [least, most] = [Math.log(sizes[0]), Math.log(sizes.at(-1))];
  const highest = Math.max(...all.map(([, value]) => value)) || 1;
  const x = (size) => left + ((right - left) * (Math.log(size) - least)) / (most - least);
  const y = (value) => bottom - ((bottom - top) * value) / highest;
  const axes = `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}"/><line x1="${left}" y1="${top}" x2="${left}" y2="${bottom}"/>`;
  const marks = sizes.map(
    (size) =>
      `<text class="faint" x="${x(size).toFixed(1)}" y="${height - 6}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
  );
  const scaleEnd = `<text class="faint" x="${left - 6}" y="${top + 6}" text-anchor="end">${highest}</text>`;
  let lowest = Number.POSITIVE_INFINITY;
  // From the bottom up, so that no name covers another.
  const ascending = [...lines].sort(([, a], [, b]) => a.at(-1)[1] - b.at(-1)[1]);
  const drawn = ascending.map(([what, points]) => {
    const path = points.map(([size, value]) => `${x(size).toFixed(1)} ${y(value).toFixed(1)}`);
    const [size, value] = points.at(-1);
    lowest = Math.min(y(value) + 4, lowest - 14);
    return `<path d="M ${path.join(' L ')}"/><text x="${(x(size) + 8).toFixed(1)}" y="${lowest.toFixed(1)}">${escaped(`${what}: ${value}`)}</text>`;
  });
  return svg(title, height, `${axes}${scaleEnd}${marks.join('')}${drawn.join('')}`);
}

function bars(title, items) {
  const most = Math.max(...items.map(([, value]) => value), 1);
  const left = 190;
  const rows = items.map(([label, value], n) => {
    const y = 26 + n * 22;
    const length = Math.max(1, ((width - left - 80) * value) / most).toFixed(1);
    return `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text><rect x="${left}" y="${y}" width="${length}" height="16" rx="2"/><text x="${left + Number(length) + 6}" y="${y + 12}">${value}</text>`;
  });
  return svg(title, 34 + items.length * 22, rows.join(''));
}

function curve(title, points) {
  const sorted = [...points].sort(([a], [b]) => a - b);
  if (sorted.length < 2) return '';
  const height = 200;
  const [left, top, right, bottom] = [50, 30, width - 20, height - 24];
  const mostX = sorted.at(-1)[0] || 1;
  const mostY = Math.max(...sorted.map(([, y]) => y));
  const at = ([x, y]) =>
    `${(left + ((right - left) * x) / mostX).toFixed(1)} ${(bottom - ((bottom - top) * y) / mostY).toFixed(1)}`;
  const every = Math.ceil(sorted.length / 400);
  const path = sorted
    .filter((_, n) => n % every === 0)
    .map(at)
    .join(' L ');
  const axes = `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}"/><line x1="${left}" y1="${top}" x2="${left}" y2="${bottom}"/>`;
  const labels = `<text class="faint" x="${left - 6}" y="${top + 6}" text-anchor="end">${Math.round(mostY)}</text><text class="faint" x="${right}" y="${height - 6}" text-anchor="end">${Math.round(mostX)} s</text>`;
  return svg(title, height, `${axes}${labels}<path d="M ${path}"/>`);
}

function svg(title, height, inner) {
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}"><text class="faint" x="0" y="14">${escaped(title)}</text>${inner}</svg>`;
}

function escaped(value) {
  return String(value).replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}
