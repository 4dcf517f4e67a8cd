/**
 * `decideAdmission` against a table of its rules, each told by an independent reference, over random facts and over every combination
 * of a small model; and what each of its answers may never be, whatever the table says.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  type AdmissionFacts,
  decideAdmission,
  decideCheck,
  type KeyFacts,
  type PathLimitText,
  type RefusalReason,
  type SessionFacts
} from "@greenroom/core"
import { admissionAsks as asks, admissionFacts as facts, goodKey, sessionFactsOf } from "@greenroom/testing/arbitraries"
import { type AdmissionDecision, refusePath } from "../../src/domain/access/decideAdmission.ts"
import { pathComplaint } from "../../src/domain/access/StreamPath.ts"
import { at, boolean, cases, element, keyId, keyValues, NOW } from "../support/arbitraries.ts"
import { assertNoKey, assertSentence } from "../support/refusals.ts"

const session = sessionFactsOf
const nothing: AdmissionFacts = {
  now: NOW,
  key: goodKey,
  keySession: null,
  pathSession: null,
  sourceSession: null,
  takeovers: [],
  pathOwnedByOther: false
}

type Ask = { readonly path: string; readonly sourceId: string; readonly reserved?: boolean }
const mayUse = (limit: string | null, path: string): boolean =>
  limit === null ||
  new RegExp(
    `^${limit
      .replace(/[.]/g, "\\.")
      .replace(/\*\*$/, ".+")
      .replace(/(?<!\.)\*$/, "[^/]+")}$`
  ).test(path)
const sameAgain = (own: SessionFacts, ask: Ask, key: KeyFacts) =>
  !own.ended && !own.stopping && own.streamKeyId === key.id && own.path === ask.path

/** In their order: the first that applies is the answer. */
const rules: ReadonlyArray<readonly [answer: string, applies: (ask: Ask, facts: AdmissionFacts) => boolean]> = [
  ["path_not_allowed", ({ path }) => /sk_[\w-]{43}/.test(path) || pathComplaint(path) !== undefined],
  ["invalid_stream_key", (_, { key }) => key === null],
  [
    "stream_key_revoked",
    (_, { key, now }) =>
      key!.revokedAt !== null || (key!.revokesAt !== null && key!.revokesAt.epochMilliseconds <= now.epochMilliseconds)
  ],
  [
    "stream_key_expired",
    (_, { key, now }) => key!.expiresAt !== null && key!.expiresAt.epochMilliseconds <= now.epochMilliseconds
  ],
  ["stream_key_disabled", (_, { key }) => !key!.enabled],
  ["path_not_allowed", ({ path }, { key }) => !mayUse(key!.path, path)],
  ["path_not_allowed", ({ reserved }, { key }) => reserved === true && key!.ticket === undefined],
  ["path_not_allowed", (_, { key, pathOwnedByOther }) => pathOwnedByOther && key!.ticket === undefined],
  [
    "stream_key_blocked",
    ({ path }, { key, now }) =>
      key!.block !== null && key!.block.path === path && key!.block.until.epochMilliseconds > now.epochMilliseconds
  ],
  ["Again", (ask, { sourceSession: own, key }) => own !== null && sameAgain(own, ask, key!)],
  ["stream_key_in_use", (_, { sourceSession }) => sourceSession !== null],
  ["stream_key_expired", (_, { key }) => key!.ticket?.spent === true],
  [
    "stream_key_expired",
    (_, { key, now }) => key!.ticket !== undefined && key!.ticket.admitsUntil.epochMilliseconds <= now.epochMilliseconds
  ],
  ["InUse", (_, { keySession, pathSession }) => keySession !== null || pathSession !== null],
  ["Admit", () => true]
]
const expected = (ask: Ask, given: AdmissionFacts): string => rules.find(([, applies]) => applies(ask, given))![0]
const answerOf = (decision: AdmissionDecision): string => (decision._tag === "Refuse" ? decision.reason : decision._tag)

/** What bears on the connection, and not on the key. */
const ofConnections = ["Again", "stream_key_in_use", "InUse"]

describe("decideCheck", () => {
  it.prop(
    "gives the first answer of the table that is not about connections",
    [asks, facts],
    ([ask, given]) => {
      const answer = rules.find(([name, applies]) => !ofConnections.includes(name) && applies(ask, given))![0]
      const decision = decideCheck(ask, given)
      assert.strictEqual(decision._tag === "Refuse" ? decision.reason : "Admit", answer)
      if (decision._tag === "Good")
        assert.deepStrictEqual(decision.key, { id: given.key!.id, prefix: given.key!.prefix })
    },
    cases(2_000)
  )
})

describe("decide", () => {
  it.prop(
    "gives the first answer of its table that applies",
    [asks, facts],
    ([ask, given]) => assert.strictEqual(answerOf(decideAdmission(ask, given)), expected(ask, given)),
    cases(2_000)
  )

  it.prop(
    "admits only a good key on a path that it may use, that is nobody else's, with a new connection and nobody in the way",
    [asks, facts],
    ([ask, given]) => {
      if (decideAdmission(ask, given)._tag !== "Admit") return
      const key = given.key
      assert.isNull(refusePath(ask.path))
      assert.isTrue(key !== null && key.revokedAt === null && key.enabled)
      assert.isTrue(key!.expiresAt === null || key!.expiresAt.epochMilliseconds > NOW.epochMilliseconds)
      assert.isTrue(mayUse(key!.path, ask.path))
      if (key?.ticket === undefined) assert.isFalse(given.pathOwnedByOther || ask.reserved)
      else assert.deepStrictEqual(key.ticket, { admitsUntil: at(1), spent: false })
      assert.deepStrictEqual([given.sourceSession, given.keySession, given.pathSession], [null, null, null])
    },
    cases(2_000)
  )

  it.prop(
    "lets a connection in again only to its own stream: same key, same path, not ended, not stopping",
    [asks, facts],
    ([ask, given]) => {
      const decision = decideAdmission(ask, given)
      if (decision._tag !== "Again") return
      const own = given.sourceSession!
      assert.deepStrictEqual(
        [own.streamId, own.streamKeyId, own.path, own.ended, own.stopping],
        [decision.streamId, given.key!.id, ask.path, false, false]
      )
      assert.deepStrictEqual(decision.key.id, given.key!.id)
    },
    cases(2_000)
  )

  it.prop(
    "names exactly the sessions that stand in the way, each once, and the key before the path",
    [asks, facts],
    ([ask, given]) => {
      const decision = decideAdmission(ask, given)
      if (decision._tag !== "InUse") return
      const inTheWay = [given.keySession, given.pathSession].filter((one) => one !== null)
      assert.deepStrictEqual(
        decision.by.map((one) => one.streamId),
        [...new Set(inTheWay.map((one) => one.streamId))]
      )
      for (const one of decision.by) assert.include(inTheWay, one)
      assert.strictEqual(decision.refusal.reason, given.keySession === null ? "path_in_use" : "stream_key_in_use")
    },
    cases(1_000)
  )

  it.prop(
    "refuses in one sentence, which names the key by its beginning alone",
    [asks, facts],
    ([ask, given]) => {
      const decision = decideAdmission(ask, given)
      const refusal = decision._tag === "InUse" ? decision.refusal : decision
      if (refusal._tag !== "Refuse") return
      assertSentence(refusal)
      assert.isFalse(refusal.quiet)
      const early = refusePath(ask.path) !== null || given.key === null
      assert.deepStrictEqual(refusal.key, early ? null : { id: given.key!.id, prefix: given.key!.prefix })
    },
    cases(1_000)
  )

  const cut = element([0, 1, 5, 23])
  it.prop(
    "never says a key, whole or cut, wherever it was put",
    [keyValues, cut, element(["", "live/", "a"]), element(["", "/x", "."]), facts, boolean],
    ([key, off, before, after, given, wasThere]) => {
      const placed = `${before}${key.slice(0, key.length - off)}${after}`
      const held = { ...session(1), path: placed, source: { protocol: null, id: placed }, streamKeyId: keyId(9) }
      const everywhere: AdmissionFacts = {
        ...given,
        keySession: wasThere ? held : null,
        pathSession: held,
        sourceSession: given.sourceSession === null ? null : held
      }
      for (const ask of [
        { path: placed, sourceId: "source-1" },
        { path: "live/a", sourceId: placed }
      ]) {
        const decision = decideAdmission(ask, everywhere)
        const refusal = decision._tag === "InUse" ? decision.refusal : decision
        if (refusal._tag === "Refuse") assertNoKey(refusal.detail, key, "a refusal")
        if (off === 0 && ask.path === placed) assert.strictEqual(answerOf(decision), "path_not_allowed")
      }
    },
    cases(1_000)
  )

  it("answers every combination of a small model as its table says, and reaches every answer", () => {
    const reached = new Map<string, number>()
    const allKeys: ReadonlyArray<KeyFacts | null> = [
      null,
      ...[null, at(-1)].flatMap((revokedAt) =>
        [null, at(0), at(1)].flatMap((expiresAt) =>
          [true, false].flatMap((enabled) =>
            [null, "live/a", "live/*", "other/**"].map((path) => ({
              ...goodKey,
              revokedAt,
              expiresAt,
              enabled,
              path: path as PathLimitText | null
            }))
          )
        )
      )
    ]
    const own = [false, true].flatMap((ended) =>
      [false, true].flatMap((stopping) =>
        [keyId(1), keyId(2)].flatMap((streamKeyId) =>
          ["live/a", "live/b"].map((path) => session(1, { ended, stopping, streamKeyId, path }))
        )
      )
    )
    for (const path of ["live/a", "other/a/b", "/live", `live/sk_${"x".repeat(43)}`])
      for (const key of allKeys)
        for (const pathOwnedByOther of [false, true])
          for (const sourceSession of [null, ...own])
            for (const keySession of [null, session(2)])
              for (const pathSession of [null, session(2), session(3)]) {
                const given = { ...nothing, key, keySession, pathSession, sourceSession, pathOwnedByOther }
                const ask = { path, sourceId: "source-1" }
                const answer = answerOf(decideAdmission(ask, given))
                assert.strictEqual(answer, expected(ask, given))
                reached.set(answer, (reached.get(answer) ?? 0) + 1)
              }
    const reasons: ReadonlyArray<RefusalReason> = [
      "invalid_stream_key",
      "path_not_allowed",
      "stream_key_disabled",
      "stream_key_expired",
      "stream_key_in_use",
      "stream_key_revoked"
    ]
    assert.deepStrictEqual([...reached.keys()].sort(), ["Admit", "Again", "InUse", ...reasons].sort())
  })

  it("says why, to each of its reasons, in the words that an operator reads in the media server's log", () => {
    const details = (ask: Partial<Ask>, given: Partial<AdmissionFacts>) => {
      const decision = decideAdmission({ path: "live/a", sourceId: "source-1", ...ask }, { ...nothing, ...given })
      return decision._tag === "InUse" ? decision.refusal.detail : decision._tag === "Refuse" ? decision.detail : ""
    }
    const key = (more: Partial<KeyFacts>) => ({ key: { ...goodKey, ...more } })
    assert.match(details({ path: `live/sk_${"x".repeat(43)}` }, {}), /stream key stands in the path.*password/)
    assert.match(details({ path: "live//a" }, {}), /empty segments/)
    assert.match(details({}, { key: null }), /No such stream key/)
    assert.match(details({}, key({ revokedAt: NOW })), /sk_abcd… is revoked/)
    assert.match(details({}, key({ expiresAt: NOW })), /sk_abcd… has expired/)
    assert.match(details({}, key({ enabled: false })), /sk_abcd… is disabled/)
    assert.match(details({}, key({ path: "other/*" as PathLimitText })), /on other\/\* only, not on live\/a/)
    assert.match(details({}, { pathOwnedByOther: true }), /live\/a belongs to another broadcaster/)
    assert.match(
      details({ path: "live/a/out", reserved: true }, {}),
      /live\/a\/out is for what Greenroom's own worker makes/
    )
    assert.match(
      details({}, key({ ticket: { admitsUntil: NOW, spent: false } })),
      /was good for one connection, within seconds/
    )
    assert.match(details({}, { sourceSession: session(1, { ended: true }) }), /source-1 had its stream already/)
    assert.match(details({}, { keySession: session(1, { path: "live/z" }) }), /is publishing on live\/z already/)
    assert.match(details({}, { pathSession: session(1) }), /Another publisher is on live\/a already/)
  })
})
