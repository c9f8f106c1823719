/** What is measured of a curve, and from which value on it hurts whoever waits for it. */
export const measures = [
  { name: 'cpu_s', title: 'CPU seconds', hurts: 1 },
  { name: 'cpu_ms', title: 'CPU milliseconds', hurts: 5 },
  { name: 'peak_rss_mb', title: 'memory, MB', hurts: 200 },
  { name: 'requests', title: 'requests', hurts: 1_000 },
];

/** Repeated runs differ by as much. */
const flat = 1.25;

/** One row for each measure of each thing measured, from rows of several sizes in any order. */
export function curvesOf(table) {
  const keys = new Set(table.map(({ curve, what }) => `${curve}\n${what}`));
  return [...keys].flatMap((key) => {
    const [curve, what] = key.split('\n');
    const rows = table.filter((one) => one.curve === curve && one.what === what);
    return measures
      .map((measure) => ({ measure, points: pointsOf(rows, measure.name) }))
      .filter(({ points }) => points.length > 1)
      .map(({ measure, points }) => ({
        curve,
        what,
        measure: measure.name,
        ...judged(points, measure.hurts),
      }));
  });
}

/** `[size, value]` by size, of the rows that have one. */
export function pointsOf(rows, name) {
  return rows
    .filter((row) => typeof row[name] === 'number')
    .map((row) => [row.size, row[name]])
    .sort(([a], [b]) => a - b);
}

/**
 * Flat, or from which size on it grows and by how much for each thousand more, by its last stretch; `hurts_from` is the first
 * size measured at which it takes more than it should.
 */
export function judged(points, hurts) {
  const [[least, first]] = points;
  const [[before, earlier], [most, last]] = points.slice(-2);
  const grown = points.find(([, value]) => value > first * flat);
  const hurting = points.find(([, value]) => value > hurts);
  return {
    from: least,
    to: most,
    at_from: first,
    at_to: last,
    times: rounded(last / first),
    is_flat: grown === undefined,
    grows_from: grown === undefined ? '' : grown[0],
    per_thousand_more:
      grown === undefined ? '' : rounded(((last - earlier) * 1_000) / (most - before)),
    limit: hurts,
    hurts_from: hurting === undefined ? 'not seen' : hurting[0],
  };
}

function rounded(value) {
  return Number(value.toPrecision(3));
}
