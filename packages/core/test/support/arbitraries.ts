/**
 * What the properties draw from: `@greenroom/testing/arbitraries`, and how many cases a property tries. `SEED=7` tries another set of cases,
 * `RUNS=10` ten times as many.
 */
export {
  at,
  boolean,
  broadcasterId,
  element,
  integer,
  joined,
  jsonValues,
  keyId,
  keyTexts as keyValues,
  limitTexts,
  NOW,
  oneOf,
  pathish,
  segments,
  streamId,
  texts,
  uuid,
  validPaths
} from "@greenroom/testing/arbitraries"

const factor = Number(process.env.RUNS ?? 1)

/** Options of a property: how many cases, and how large they may grow. */
export const cases = (runs = 300, size = 60) => ({
  timeout: 120_000,
  arbitrary: { runs: runs * factor, size, seed: process.env.SEED ?? "greenroom" }
})
