/** A store's no, in the shape that the SDK gives it (see s3-errors.ts). */
export class S3Refusal extends Error {
  /** The store's own word, e.g. NoSuchKey. */
  readonly Code: string | undefined;
  /** Where the bucket is, when it is not where it was looked for. */
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

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: flat, so that one element is all there is to find. */
function element(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>([^<]{1,2000})</${name}>`).exec(xml) ?? [];
  return text?.replace(/&(lt|gt|amp|quot|apos);/g, (all, word) => entities[word] ?? all);
}
