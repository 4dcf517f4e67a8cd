/** Random inputs of `decideAdmission` and `decideCheck`: few paths, keys and sessions, so that they meet, on either side of every boundary. */
import type { AdmissionFacts, decideAdmission, KeyFacts, PathBlock, PathLimitText, SessionFacts } from "@greenroom/core"
import { Arbitrary, type DateTime } from "effect"
import { boolean, element, maybe, oneOf } from "./draw.ts"
import { at, broadcasterId, keyId, NOW, streamId } from "./idsAndTimes.ts"
import { keyTexts, pathish, validPaths } from "./text.ts"

/** A key with nothing against it. */
export const goodKey: KeyFacts = {
  id: keyId(1),
  prefix: "sk_abcd",
  broadcasterId: broadcasterId(1),
  path: null,
  enabled: true,
  expiresAt: null,
  revokedAt: null,
  revokesAt: null,
  rotatedFrom: null,
  block: null
}
/** The `n`th session, of key 1, on `live/a`. */
export const sessionFactsOf = (n: number, more: Partial<SessionFacts> = {}): SessionFacts => ({
  streamId: streamId(n),
  streamKeyId: keyId(1),
  path: "live/a",
  source: { protocol: "rtmp", id: "source-1" },
  startedAt: at(-60_000),
  ended: false,
  stopping: false,
  ...more
})
const paths = oneOf([element(["live/a", "live/a/b", "other/a", "live"]), validPaths])
/** The first argument: any path, most of them good. */
export const admissionAsks: Arbitrary.Arbitrary<Parameters<typeof decideAdmission>[0]> = Arbitrary.all({
  path: oneOf([paths, paths, paths, pathish, Arbitrary.map(keyTexts, (key) => `live/${key}`)]),
  sourceId: element(["source-1", "source-2"]),
  reserved: element([false, false, false, true])
})
/** Of a worker's key. */
const tickets = Arbitrary.all({
  admitsUntil: element([at(1), at(1), at(0), at(-1)]),
  spent: element([false, false, true])
})
const blocks: Arbitrary.Arbitrary<PathBlock> = Arbitrary.all({
  path: element(["live/a", "live/a", "live/b"]),
  until: element([at(1), at(0), at(-1)])
})
export const keyFacts: Arbitrary.Arbitrary<KeyFacts> = Arbitrary.map(
  Arbitrary.all({
    id: element([keyId(1), keyId(2)]),
    path: element([null, null, "live/a", "live/*", "live/**", "other/**"]),
    enabled: element([true, true, true, false]),
    expiresAt: element([null, null, at(1), at(0), at(-1)]),
    revokedAt: element([null, null, null, at(-5), at(5)]),
    revokesAt: element([null, null, null, at(1), at(0), at(-1)]),
    rotatedFrom: element([null, keyId(2), keyId(3)]),
    block: oneOf<PathBlock | null>([element([null]), element([null]), blocks]),
    ticket: oneOf([element([undefined]), element([undefined]), tickets])
  }),
  ({ ticket, ...key }) => ({
    ...goodKey,
    ...key,
    path: key.path as PathLimitText | null,
    ...(ticket === undefined ? {} : { ticket })
  })
)
export const sessionFacts: Arbitrary.Arbitrary<SessionFacts> = Arbitrary.map(
  Arbitrary.all({
    n: element([1, 2, 3]),
    streamKeyId: element([keyId(1), keyId(2)]),
    path: paths,
    ended: boolean,
    stopping: boolean
  }),
  ({ n, ...more }) => sessionFactsOf(n, more)
)
/** Newest first, on either side of what parts two encoders. */
export const takeovers: Arbitrary.Arbitrary<ReadonlyArray<DateTime.Utc>> = Arbitrary.map(
  Arbitrary.all({
    newest: element([-1, -59_999, -60_000, -60_001]),
    gaps: element([
      [0, 9_999],
      [5_000, 5_000],
      [5_000, 5_001],
      [1, 20_000]
    ]),
    count: element([0, 1, 2, 3, 3, 3])
  }),
  ({ newest, gaps, count }) => [newest, newest - gaps[0]!, newest - gaps[0]! - gaps[1]!].slice(0, count).map(at)
)

const anyFacts: Arbitrary.Arbitrary<AdmissionFacts> = Arbitrary.all({
  now: element([NOW]),
  key: oneOf<KeyFacts | null>([keyFacts, keyFacts, keyFacts, keyFacts, element([null])]),
  keySession: maybe(sessionFacts),
  pathSession: maybe(sessionFacts),
  sourceSession: maybe(sessionFacts, 2),
  takeovers: takeovers,
  pathOwnedByOther: element([false, false, false, true])
})

/** Two in three have nothing against the key itself, so that sessions decide, and tickets. */
export const admissionFacts: Arbitrary.Arbitrary<AdmissionFacts> = oneOf([
  anyFacts,
  Arbitrary.map(anyFacts, (given) => ({ ...given, key: goodKey, pathOwnedByOther: false })),
  Arbitrary.map(Arbitrary.all({ given: anyFacts, ticket: tickets }), ({ given, ticket }) => ({
    ...given,
    key: { ...goodKey, ticket }
  }))
])

/** The arguments of `decideAdmission`. */
export const admissionInputs: Arbitrary.Arbitrary<Parameters<typeof decideAdmission>> = Arbitrary.map(
  Arbitrary.all({ ask: admissionAsks, facts: admissionFacts }),
  ({ ask, facts }) => [ask, facts]
)
