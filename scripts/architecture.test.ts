import { assert, describe, it } from "@effect/vitest"
import { importsOf, rules, type SourceFile, violations } from "./architecture.ts"

const file = (path: string, text: string): SourceFile => ({ path, text })
const codes = (path: string, text: string) => violations([file(path, text)]).map((violation) => violation.code)

/** One file for each rule that must be caught, and its nearest neighbour that must not. */
const cases: Readonly<
  Record<keyof typeof rules, { readonly bad: readonly [string, string]; readonly good: readonly [string, string] }>
> = {
  CORE_IMPORTS_EFFECT_ONLY: {
    bad: ["packages/core/src/usecases/Revoke.ts", 'import { createHash } from "node:crypto"'],
    good: ["packages/core/src/usecases/Revoke.ts", 'import { Effect } from "effect"']
  },
  DOMAIN_IS_PURE: {
    bad: ["packages/core/src/domain/decide.ts", 'import { Effect, Option } from "effect"'],
    good: ["packages/core/src/domain/decide.ts", 'import { Option } from "effect"']
  },
  CORE_LAYERS: {
    bad: ["packages/core/src/reconciler/runPass.ts", 'import { authenticate } from "../usecases/authenticate.ts"'],
    good: ["packages/core/src/reconciler/runPass.ts", 'import { setCondition } from "../resilience/Conditions.ts"']
  },
  PACKAGES_POINT_INWARD: {
    bad: ["packages/mediamtx-simulator/src/World.ts", 'import { MediaMtx } from "@greenroom/adapters/mediamtx"'],
    good: ["packages/mediamtx-simulator/src/World.ts", 'import type { Protocol } from "@greenroom/core"']
  },
  ADAPTERS_STAND_ALONE: {
    bad: ["packages/adapters/src/memory/MemoryStreams.ts", 'export { rows } from "../postgres/rows.ts"'],
    good: ["packages/adapters/src/memory/MemoryStreams.ts", 'export { rows } from "./storedStreams.ts"']
  },
  ADAPTERS_USE_SPARINGLY: {
    bad: ["packages/adapters/src/postgres/Database.ts", 'import { ChildProcessGroup } from "@greenroom/launcher"'],
    good: ["packages/adapters/src/worker/CommandWorker.ts", 'import { ChildProcessGroup } from "@greenroom/launcher"']
  },
  SHELL_IS_THIN: {
    bad: ["packages/server/src/http/Auth.ts", 'import { layer } from "@greenroom/adapters/postgres"'],
    good: ["packages/server/src/Greenroom.ts", 'import { layer } from "@greenroom/adapters/postgres"']
  },
  PACKAGES_BY_NAME: {
    bad: [
      "verification/e2e/moq.test.ts",
      'import { isAtLeast } from "../../packages/mediamtx-simulator/src/versions.ts"'
    ],
    good: ["verification/e2e/moq.test.ts", 'import { isAtLeast } from "@greenroom/mediamtx-simulator"']
  },
  NO_BARREL_OF_PLATFORM: {
    bad: ["packages/server/src/main.ts", 'import { NodeRuntime } from "@effect/platform-node"'],
    good: ["packages/server/src/main.ts", 'import * as NodeRuntime from "@effect/platform-node/NodeRuntime"']
  }
}

describe("the architecture check", () => {
  for (const code of Object.keys(rules) as ReadonlyArray<keyof typeof rules>) {
    it(`catches a violation of ${code}, and lets its neighbour pass`, () => {
      const { bad, good } = cases[code]
      assert.include(codes(...bad), code)
      assert.deepStrictEqual(codes(...good), [])
    })
  }

  it("sees imports over several lines, re-exports, type imports, side effects and dynamic imports", () => {
    const text = [
      'import {\n  one,\n  type Two\n} from "a"',
      'export * from "b"',
      'import type { Three } from "c"',
      'import "d"',
      'const e = await import("e")'
    ].join("\n")
    assert.deepStrictEqual(
      importsOf(file("packages/core/src/x.ts", text)).map(({ specifier, names, typeOnly }) => [
        specifier,
        names,
        typeOnly
      ]),
      [
        ["a", ["one"], false],
        ["b", [], false],
        ["c", ["Three"], true],
        ["d", [], false],
        ["e", [], false]
      ]
    )
  })
})
