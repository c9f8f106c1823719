import type { LaidStream, RestorePlan } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { BlockedError, NotAllowedError, PartialError } from '../errors.js';
import { endsWithNewline, linesIn } from '../mirror/lines.js';
import { hasStranded } from '../mirror/slots/listing.js';
import type { ReadPart } from '../mirror/slots/reader.js';
import { agrees, countMarkers } from '../redact/redaction-match.js';
import { type ChosenStream, readStream } from './lineage.js';
import type { Proof } from './proof.js';
import type { Staging } from './staging.js';

/** What laying a plan found. */
export interface Laid {
  /** Lines of the session itself, by stream. */
  readonly lines: ReadonlyMap<string, number>;
  /** Stand-ins in what was laid, by kind. */
  readonly redactions: ReadonlyMap<string, number>;
  /** A secret was replaced in what a model signed or encrypted: its maker may refuse it. */
  readonly isSignedTextRedacted: boolean;
}

export interface LayOptions {
  readonly bucket: Bucket;
  readonly streams: readonly ChosenStream[];
  readonly plan: RestorePlan;
  readonly staging: Staging;
  readonly isVerbatim: boolean;
  /** Parts have to be the very ones that were sent from here. */
  readonly proof: Proof | undefined;
  /** Takes what there is of a chain with a hole in it. */
  readonly isForced: boolean;
  readonly onBytes: (bytes: number) => void;
}

/** A part is not the one that this machine sent, whatever its name and size. */
export const notOurs = Symbol('a part that this machine did not send');

/** Reads every stream once, or twice where what comes first depends on what follows, and writes it aside. */
export async function layAside(options: LayOptions): Promise<Laid | typeof notOurs> {
  const findings = new Findings();
  for (const laid of options.plan.streams) {
    const stream = options.streams.find(
      ({ session, name }) => session === laid.session && name === laid.stream,
    );
    if (stream === undefined) continue;
    if ((await layStream(options, laid, stream, findings)) === notOurs) return notOurs;
  }
  await options.staging.finish();
  return findings;
}

class Findings implements Laid {
  readonly lines = new Map<string, number>();
  readonly redactions = new Map<string, number>();
  isSignedTextRedacted = false;

  see(body: Buffer): void {
    const counts = countMarkers(body);
    if (counts.size === 0) return;
    for (const [kind, count] of counts) {
      this.redactions.set(kind, (this.redactions.get(kind) ?? 0) + count);
    }
    this.isSignedTextRedacted ||= signedText.test(body.toString('latin1'));
  }
}

const signedText =
  /"(?:signature|thinkingSignature|encrypted_content)"\s*:\s*"[^"]{0,65536}\[REDACTED:/;

async function layStream(
  options: LayOptions,
  { laying }: LaidStream,
  stream: ChosenStream,
  findings: Findings,
): Promise<typeof notOurs | undefined> {
  const { bucket, staging, proof } = options;
  const { listing } = stream;
  if (laying.measure !== undefined) {
    for await (const { body } of readStream(bucket, stream)) {
      for (const line of linesIn(body)) laying.measure(line);
    }
  }
  const names = new Set<string>();
  let lines = 0;
  for await (const part of readStream(bucket, stream)) {
    if (proof?.confirms(part) === false) return notOurs;
    if (!options.isForced) requireWhole(part);
    await layRows(options, laying, wholeLines(part.body));
    findings.see(part.body);
    names.add(part.key.slice(listing.prefix.length));
    lines = part.endLine;
    options.onBytes(part.body.length);
  }
  for (const chunk of laying.end?.() ?? []) await staging.add(chunk);
  requireSafe(laying);
  if (!options.isForced && hasStranded(listing, names)) throw missingPart(stream, names);
  findings.lines.set(`${stream.session}/${stream.name}`, lines);
  return undefined;
}

async function layRows(
  { staging, isVerbatim }: LayOptions,
  laying: LaidStream['laying'],
  rows: Buffer,
): Promise<void> {
  if (laying.block !== undefined) {
    for (const chunk of laying.block(rows)) await staging.add(chunk);
    return;
  }
  for (const line of linesIn(rows)) {
    for (const chunk of laying.line(line)) {
      if (isVerbatim && chunk.bytes !== line) requireAgreement(laying, line, chunk.bytes);
      const writing = staging.add(chunk);
      if (writing !== undefined) await writing;
    }
  }
}

/** Without a last line that does not end. */
function wholeLines(body: Buffer): Buffer {
  return body.subarray(0, body.lastIndexOf('\n') + 1);
}

/** Only stand-ins may have changed in a line that goes back to where it came from. */
function requireAgreement(laying: LaidStream['laying'], line: Buffer, bytes: Buffer): void {
  if (laying.measure === undefined || agrees(line, bytes)) return;
  throw new Error('a fitted line does not agree with the stored one');
}

function requireSafe(laying: LaidStream['laying']): void {
  const found = laying.problem?.();
  if (found === undefined) return;
  const { kind, text, hint } = found;
  if (kind === 'unsafe') throw new NotAllowedError(`not restored: ${text}`, { hint });
  if (kind === 'lineage') throw new BlockedError(`not restored: ${text}`, { hint });
  throw new PartialError(`not restored: ${text}`, { hint });
}

function requireWhole({ key, body }: ReadPart): void {
  if (body.length === 0 || endsWithNewline(body)) return;
  throw new PartialError(`${key} ends in the middle of a line`, { hint: holeHint });
}

const holeHint =
  '"tracecraft watch --once --all" on the machine that has the transcript repairs it; --force restores what there is.';

function missingPart(
  { listing, session, name }: ChosenStream,
  reached: ReadonlySet<string>,
): PartialError {
  const beyond = [...listing.parts.keys()].filter((leaf) => !reached.has(leaf)).sort();
  const place = name === '' ? session : `${session}/${name}`;
  return new PartialError(
    `a part of ${place} is missing: nothing leads to ${beyond[0] ?? 'the rest'}`,
    { hint: holeHint },
  );
}
