/** Two copies of `effect` are found at the start, with a sentence that names both. `npm run packed-example` shows it in a host with two. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { requireSameEffect } from "@greenroom/core/internal"
import { Effect, Exit, Fiber, Version } from "effect"
import { requireOwnRuntime, unsupportedVersion } from "../src/EffectCopy.ts"

const own = Version.getCurrentVersion()
const copy = {
  user: "@greenroom/adapters",
  version: "4.1.7",
  identity: Effect.succeed,
  location: () => "file:///there"
}

describe("a package that is loaded", () => {
  it("passes with core's copy of effect, whatever that is called", () => {
    requireSameEffect(copy)
  })

  it("fails with another copy, also of the same version, and both are named with their places", () => {
    for (const version of [own, "4.1.7", "3.20.0"]) {
      assert.throws(
        () => requireSameEffect({ ...copy, version, identity: () => undefined }),
        new RegExp(`@greenroom/core has effect ${own}.*@greenroom/adapters has effect ${version} \\(file:///there\\)`)
      )
    }
  })

  it("fails with a sentence also where the place cannot be known", () => {
    const location = () => {
      throw new Error("import.meta.resolve is not there")
    }
    assert.throws(
      () => requireSameEffect({ ...copy, identity: null, location }),
      /@greenroom\/adapters has effect 4\.1\.7\. /
    )
  })
})

describe("a start", () => {
  it.effect("passes on a fiber of core's copy", () => requireOwnRuntime)

  it("dies on a fiber of another copy", () => {
    // What another copy does with the effect: it evaluates it with a fiber of a class of its own.
    const fiber = Effect.runFork(Effect.never)
    class OtherFiber {}
    const other = new Proxy(fiber, { getPrototypeOf: () => OtherFiber.prototype })
    const evaluate = Reflect.get(requireOwnRuntime, "~effect/Effect/evaluate") as (fiber: unknown) => Exit.Exit<void>
    const outcome = evaluate.call(requireOwnRuntime, other)
    Effect.runFork(Fiber.interrupt(fiber))
    assert.isTrue(Exit.isFailure(outcome))
    assert.match(String(Exit.isFailure(outcome) && outcome.cause), /Two copies of effect are loaded/)
  })

  it("needs the version that the manifest names", () => {
    const { peerDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    for (const version of ["4.1.0", "4.1.9", "4.20.0", "4.2.0-rc.1"]) assert.isUndefined(unsupportedVersion(version))
    for (const version of ["3.20.0", "4.0.6", "5.0.0", "next"]) {
      const sentence = `@greenroom/core needs effect ${peerDependencies.effect}, and effect ${version} is installed`
      assert.strictEqual(unsupportedVersion(version), sentence)
    }
  })
})
