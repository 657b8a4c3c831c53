import { defineConfig } from "vitest/config";

// Sources are run as they are: the "source" condition makes @turnout/* resolve to packages/*/src.
const resolve = { conditions: ["source"] };
const ssr = { resolve: { conditions: ["source"], externalConditions: ["source"] } };

function project(name: string, include: string[], extra: Record<string, unknown> = {}) {
  return {
    resolve,
    ssr,
    test: { name, include, pool: "forks", execArgv: ["--conditions=source"], testTimeout: 20_000, hookTimeout: 60_000, ...extra },
  } as const;
}

export default defineConfig({
  test: {
    projects: [
      project("unit", ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"]),
      project("wire", ["test/wire/**/*.test.ts"], { fileParallelism: false }),
      project("compat", ["test/compat/**/*.test.ts"]),
      project("e2e", ["test/e2e/**/*.test.ts"], { fileParallelism: false, testTimeout: 120_000, hookTimeout: 180_000 }),
    ],
  },
});
