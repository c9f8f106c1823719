import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Bucket } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { RefusedError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import { type IdentityDocument, identitySchema } from '../../protocol/identity.js';
import type { Layout } from '../../protocol/keys.js';

export interface BucketIdentityContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly io: Io;
  /** Where this machine remembers the destination. */
  readonly folder: string;
}

/**
 * Whether this machine mirrored into this bucket before. An empty mount point, or a new bucket under an old name, looks
 * like an unused bucket; starting over there would look like a mirror but leave the earlier uploads behind.
 */
export class BucketIdentity {
  readonly #context: BucketIdentityContext;

  constructor(context: BucketIdentityContext) {
    this.#context = context;
  }

  /** Throws a `RefusedError` if the bucket is not the one remembered. The first caller gives a bucket its id. */
  async confirm(): Promise<void> {
    const remembered = await this.#remembered();
    const stored = await this.#stored();
    if (remembered === undefined) return this.#remember(stored ?? (await this.#create()));
    if (stored === remembered) return;
    const { bucket, layout } = this.#context;
    const found = stored === undefined ? 'does not hold what' : 'is not the bucket that';
    throw new RefusedError(
      `${bucket.location} (${layout.project}) ${found} was mirrored into it before`,
      {
        hint: `Mount it, or correct the config. If it was emptied or replaced on purpose, delete ${this.#path}: everything is then sent again.`,
      },
    );
  }

  /** Accepts the bucket as it is: someone has just set it up. */
  async accept(): Promise<void> {
    await this.#remember((await this.#stored()) ?? (await this.#create()));
  }

  get #path(): string {
    return join(this.#context.folder, 'bucket.json');
  }

  async #stored(): Promise<string | undefined> {
    const { bucket, layout } = this.#context;
    const stored = await bucket.get(layout.identity());
    return stored === undefined ? undefined : idIn(layout.identity(), stored.body);
  }

  async #create(): Promise<string> {
    const { bucket, layout } = this.#context;
    const document: IdentityDocument = { schema: 1, id: randomBytes(16).toString('hex') };
    const body = encodeDocument(document);
    const options = { contentType: 'application/json' };
    await writeOver(bucket, layout.identity(), body, undefined, options);
    // If two first meet a new bucket at once, one of them made the id.
    return (await this.#stored()) ?? document.id;
  }

  async #remembered(): Promise<string | undefined> {
    const { io, folder } = this.#context;
    try {
      const bytes = await withoutLinks(io, folder).readFile(this.#path);
      const result = v.safeParse(identitySchema, JSON.parse(bytes?.toString('utf8') ?? 'null'));
      return result.success ? result.output.id : undefined;
    } catch {
      return undefined;
    }
  }

  /** If it cannot be remembered, it is asked again at the next start. */
  async #remember(id: string): Promise<void> {
    const { io, folder } = this.#context;
    const body = `${JSON.stringify({ schema: 1, id })}\n`;
    await withoutLinks(io, folder)
      .replaceFile(this.#path, body)
      .catch(() => undefined);
  }
}

/** An unreadable id belongs to nobody. */
function idIn(key: string, body: Buffer): string {
  try {
    return parseDocument(identitySchema, key, body).id;
  } catch (error) {
    if (error instanceof DocumentError) return '';
    throw error;
  }
}
