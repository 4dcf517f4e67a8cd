/**
 * Two copies of `effect` in one process look alike and do not work together: a secret that one has wrapped cannot be unwrapped by the
 * other. What fails then does not name the cause. So each package of Greenroom compares its copy with core's when it is loaded, and what
 * runs in the background compares core's with the copy that runs it.
 */
import { Effect, Layer, Version } from "effect"

export interface EffectCopy {
  /** The package that imports this copy. */
  readonly user: string
  readonly version: string
  /** Any function of `effect`: another copy has another one. */
  readonly identity: unknown
  /** Where the copy lies. Throws where that cannot be known, in the output of a bundler. */
  readonly location: () => string
}

const own: EffectCopy = {
  user: "@greenroom/core",
  version: Version.getCurrentVersion(),
  identity: Effect.succeed,
  location: () => import.meta.resolve("effect")
}

const described = ({ user, version, location }: EffectCopy): string => {
  try {
    return `${user} has effect ${version} (${location()})`
  } catch {
    return `${user} has effect ${version}`
  }
}

const REMEDY = "`npm ls effect` shows them. Make `effect` a dependency of your own, at a version that both accept"

const twoCopies = (one: string, other: string) =>
  new Error(`Two copies of effect are loaded, and they do not work together: ${one}, ${other}. ${REMEDY}.`)

/** Throws unless the copy is core's own. Each package calls it when it is loaded. */
export const requireSameEffect = (copy: EffectCopy): void => {
  if (copy.identity !== own.identity) throw twoCopies(described(own), described(copy))
}

const [MAJOR, MINOR] = [4, 1] as const

/** The sentence for a version that core does not support, or `undefined`. Prereleases count as the version that they lead to. */
export const unsupportedVersion = (version: string): string | undefined => {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? []
  return Number(major) === MAJOR && Number(minor) >= MINOR
    ? undefined
    : `@greenroom/core needs effect ^${MAJOR}.${MINOR}.0, and effect ${version} is installed`
}

const ownFiber: object = Object.getPrototypeOf(Effect.runFork(Effect.void))

/**
 * The version of `effect` that the program's main file would import, or `undefined`. Node alone has it, and core imports nothing of Node.
 * Only for the sentence of a start that has failed.
 */
const programsVersion = (): string | undefined => {
  try {
    const { createRequire } = process.getBuiltinModule("node:module")
    return createRequire(process.argv[1]!)("effect/package.json").version
  } catch {
    return undefined
  }
}

/** Dies unless the copy that runs this effect is core's own. */
export const requireOwnRuntime = Effect.withFiber((fiber) => {
  if (Object.getPrototypeOf(fiber) === ownFiber) return Effect.void
  return Effect.die(
    twoCopies(described(own), `the program that starts it has effect ${programsVersion() ?? "of another place"}`)
  )
})

/** Beneath what starts first. */
export const layerOwnRuntime: Layer.Layer<never> = Layer.effectDiscard(
  Effect.suspend(() => {
    const unsupported = unsupportedVersion(own.version)
    return unsupported === undefined ? requireOwnRuntime : Effect.die(new Error(unsupported))
  })
)
