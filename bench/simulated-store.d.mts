export interface SimulatedStore {
  readonly state: { readonly requests: number };
  readonly endpoint: string;
  put(key: string, bytes: Buffer): void;
  remove(key: string): void;
  stop(): Promise<void>;
}

export function startStore(
  objects: Map<string, Buffer>,
  options?: { readonly latencyMs?: number },
): Promise<SimulatedStore>;
