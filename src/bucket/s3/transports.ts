import type { S3Client } from '@aws-sdk/client-s3';
import { createClient, loadSdk, type S3Keys, type Sdk, type Wire } from './client.js';
import { DirectClient, type DirectOptions, NeedsSdk } from './direct.js';
import { type S3Requests, sdkRequests } from './requests.js';
import { foundSigner, signerWithoutSdk } from './signer.js';

interface TransportOptions extends DirectOptions {
  readonly region: string | undefined;
  readonly profile: string | undefined;
  readonly keys: S3Keys | undefined;
  readonly transport: 'sdk' | 'direct';
}

/** The two ways to a store. Neither is opened before it is needed. */
export class Transports {
  readonly #options: TransportOptions;
  #region: string | undefined;
  #sdk: Promise<Sdk> | undefined;
  #client: Promise<S3Client> | undefined;
  #direct: DirectClient | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#region = options.region;
  }

  /** `undefined`: no region was named. */
  get region(): string | undefined {
    return this.#region;
  }

  /** For requests from now on. Others may still await responses on the old client, which closes with its last connection. */
  moveTo(region: string): void {
    this.#region = region;
    this.#client = undefined;
  }

  /**
   * Sends a small request without the SDK where possible. A request handed over to the SDK has
   * written nothing before.
   */
  async send<T>(
    request: (requests: S3Requests) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const direct = await this.#directRequests(signal);
    try {
      if (direct !== undefined) return await request(direct);
    } catch (error) {
      if (!(error instanceof NeedsSdk)) throw error;
    }
    return request(sdkRequests(await this.wire(signal)));
  }

  async wire(signal: AbortSignal | undefined): Promise<Wire> {
    this.#sdk ??= loadSdk();
    const sdk = await this.#sdk;
    this.#client ??= createClient(sdk, { ...this.#options, region: this.#region });
    const options = signal === undefined ? {} : { abortSignal: signal };
    return { sdk, client: await this.#client, bucket: this.#options.bucket, options };
  }

  async close(): Promise<void> {
    await this.#direct?.close();
    const client = this.#client;
    this.#client = undefined;
    (await client)?.destroy();
  }

  /** Available once signing without the SDK is possible, or the SDK has provided the keys. */
  async #directRequests(signal: AbortSignal | undefined): Promise<S3Requests | undefined> {
    const { transport, storeClock, endpoint, profile, keys } = this.#options;
    if (transport === 'sdk') return undefined;
    const place = { endpoint, profile, keys };
    const isAnswered = storeClock.read() !== undefined;
    const signer =
      signerWithoutSdk({ ...place, region: this.#region }) ??
      (await foundSigner(place, isAnswered ? await this.#client : undefined));
    if (signer === undefined) return undefined;
    this.#direct ??= new DirectClient(this.#options);
    return this.#direct.requests(signer, signal);
  }
}
