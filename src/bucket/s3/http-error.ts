/** A store's refusal, in the shape the SDK gives it (see errors.ts). */
export class S3Refusal extends Error {
  /** The store's code, e.g. NoSuchKey. */
  readonly Code: string | undefined;
  /** Where the bucket is, if we asked in the wrong place. */
  readonly Region: string | undefined;
  readonly $metadata: { readonly httpStatusCode: number };
  readonly $response: { readonly headers: Readonly<Record<string, string>> };

  constructor(status: number, headers: Readonly<Record<string, string>>, body: Buffer) {
    const text = body.toString('utf8');
    super(element(text, 'Message') ?? 'UnknownError');
    this.Code = element(text, 'Code');
    this.Region = element(text, 'Region');
    this.name = this.Code ?? 'UnknownError';
    this.$metadata = { httpStatusCode: status };
    this.$response = { headers };
  }
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: flat, so finding one element is enough. */
function element(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>([^<]{1,2000})</${name}>`).exec(xml) ?? [];
  return text?.replace(/&(lt|gt|amp|quot|apos);/g, (all, word) => entities[word] ?? all);
}
