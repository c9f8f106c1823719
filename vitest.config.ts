import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/r2/install.mjs'],
    pool: 'forks',
    // More than cores: the processes here wait for stores, timers and one another most of the time.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Against hanging, not for speed: what must be fast measures that itself.
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
