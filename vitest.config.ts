import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{contract,server,test,bench,scripts}/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
