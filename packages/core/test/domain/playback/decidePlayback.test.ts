/**
 * `decidePlayback` against a table of its rules, each told by an independent reference, over random tokens, paths and revocations; and that a session
 * has to leave exactly when its like would not be let in.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  type Coverage,
  decidePlayback,
  type PathFacts,
  type PlaybackAsk,
  type Revocations,
  refusalReasons,
  type TokenClaims,
  whyMustLeave
} from "@greenroom/core"
import { refuse } from "../../../src/domain/access/AuthDecision.ts"
import { ruleNames } from "../../../src/domain/access/admissionRules.ts"
import { grantOf } from "../../../src/domain/playback/PlaybackToken.ts"
import { boolean, cases, element } from "../../support/arbitraries.ts"
import { asks, claims, facts, NOW_SECONDS as NOW, paths, revocations } from "../../support/playback.ts"
import { assertSentence } from "../../support/refusals.ts"

const covers = (coverage: Coverage, path: string, { broadcasterId, streamId }: PathFacts): boolean => {
  switch (coverage._tag) {
    case "Path":
      return path === coverage.path
    case "Stream":
      return streamId === coverage.streamId
    case "Broadcaster":
      return broadcasterId === coverage.broadcasterId
    case "Pattern":
      return new RegExp(
        coverage.pattern === "**" ? "^" : `^${coverage.pattern.replace("**", ".+").replace(/\*$/, "[^/]+")}$`
      ).test(path)
  }
}

const isTokenId = (name: string): boolean => /^[0-9A-Za-z]{16}$/.test(name)

const inNetworks = (ips: ReadonlyArray<string>, ip: string | null): boolean => {
  if (ips.length === 0) return true
  const of: Readonly<Record<string, string>> = {
    "192.0.2.7": "192.0.2.0/24",
    "::ffff:192.0.2.7": "192.0.2.0/24",
    "2001:db8::7": "2001:db8::/32"
  }
  return ip !== null && ips.includes(of[ip] ?? "none")
}

const isRevokedViewer = ({ viewers }: Revocations, { viewerId, issuedAt }: TokenClaims, on: PathFacts): boolean =>
  viewerId !== null &&
  (viewers.get(viewerId) ?? []).some(
    ({ broadcasterId, at, until }) =>
      (broadcasterId === null || broadcasterId === on.broadcasterId) &&
      (issuedAt <= at || (until !== null && until > NOW))
  )

const failures = {
  malformed: "playback_token_malformed",
  too_long: "playback_token_malformed",
  wrong_algorithm: "playback_token_algorithm",
  unknown_key: "playback_token_unknown_key",
  bad_signature: "playback_token_signature",
  bad_claims: "playback_token_claims"
} as const

type Case = readonly [PlaybackAsk, PathFacts, Revocations]

/** Of a token that is shown, in their order: the first that applies is the rule by which it is refused. */
const tokenRules = ([ask, on, revoked]: Case): string | null => {
  const { names } = ask
  const { verified, isHidden } = ask.token!
  if (verified._tag === "NotVerified") return failures[verified.failure]
  const { claims: token } = verified
  const rules: ReadonlyArray<readonly [string, boolean]> = [
    ["playback_token_claims", token.issuedAt > NOW + 60],
    ["playback_token_expired", NOW >= token.expiresAt + 5],
    ["playback_token_early", token.notBefore !== null && NOW < token.notBefore - 5],
    ["playback_token_revoked", revoked.tokens.has(token.id)],
    ["viewer_revoked", isRevokedViewer(revoked, token, on)],
    ["playback_token_misnamed", names.some((name) => name !== token.id)],
    ["playback_token_unnamed", isHidden && ask.hasToBeNamed && names.length === 0],
    ["playback_token_action", !token.actions.includes(ask.action)],
    ["playback_token_address", !inNetworks(token.ips, ask.ip)],
    ["playback_token_path", !covers(token.coverage, ask.path, on)]
  ]
  return rules.find(([, applies]) => applies)?.[0] ?? null
}

const expected = (given: Case): string => {
  const [ask, on] = given
  const { verified } = ask.token ?? {}
  const own = verified?._tag === "Verified" ? verified.claims.id : null
  if (on.policy === "public") {
    return ask.names.filter(isTokenId).every((name) => name === own) ? "open_to_viewers" : "playback_token_misnamed"
  }
  if (ask.token === null) return "playback_token_needed"
  return tokenRules(given) ?? "playback_token"
}

describe("decidePlayback", () => {
  it.prop(
    "gives the answer of its table",
    [asks, facts, revocations],
    (given) => assert.strictEqual(decidePlayback(...given, NOW).rule, expected(given)),
    cases(3_000)
  )

  it.prop(
    "knows whose a session is when its token is good for the path, whether or not one was needed, and else of nobody",
    [asks, facts, revocations],
    (given) => {
      const decision = decidePlayback(...given, NOW)
      if (decision._tag === "Refuse") return
      const { token } = given[0]
      const isGood = token !== null && tokenRules(given) === null
      const { verified } = token ?? {}
      const grant = isGood && verified?._tag === "Verified" ? grantOf(verified.claims, verified.signingKeyId) : null
      assert.deepStrictEqual(decision.grant, grant)
    },
    cases(1_000)
  )

  it.prop(
    "refuses by a known rule with one sentence, quietly only where nothing was shown",
    [asks, facts, revocations],
    (given) => {
      const decision = decidePlayback(...given, NOW)
      if (decision._tag !== "Refuse") return
      assert.include(ruleNames as ReadonlyArray<string>, decision.rule)
      assertSentence(refuse(decision.rule, decision.detail))
      assert.strictEqual(decision.quiet, given[0].token === null && given[1].policy === "token")
    },
    cases(1_000)
  )

  it("has a reason for each of its rules", () => {
    for (const rule of Object.values(failures)) assert.include(ruleNames as ReadonlyArray<string>, rule)
    assert.includeMembers(refusalReasons as unknown as Array<string>, ["viewer_revoked", "playback_token_invalid"])
  })
})

describe("whyMustLeave", () => {
  it.prop(
    "a session has to leave exactly when its token would not be let in any more, whatever held at one moment alone",
    [claims, paths, facts, revocations, boolean],
    ([token, path, on, revoked, hasKey]) => {
      if (token.issuedAt > NOW + 60) return
      const grant = grantOf(token, "k1")
      const why = whyMustLeave(grant, path, on, revoked, () => hasKey, NOW)
      const again: PlaybackAsk = {
        action: "read",
        path,
        ip: "192.0.2.7",
        token: {
          verified: hasKey
            ? {
                _tag: "Verified",
                claims: { ...token, actions: ["read"], ips: [], notBefore: null },
                signingKeyId: "k1"
              }
            : { _tag: "NotVerified", failure: "unknown_key" },
          isHidden: true
        },
        // Whether a name is proven is looked at when a session begins.
        names: on.policy === "public" ? [] : [token.id],
        hasToBeNamed: true
      }
      assert.strictEqual(why === null, decidePlayback(again, on, revoked, NOW)._tag === "Allow")
    },
    cases(2_000)
  )

  it.prop(
    "without a token it has to leave what is not public",
    [paths, facts, revocations],
    ([path, on, revoked]) =>
      assert.strictEqual(
        whyMustLeave(null, path, on, revoked, () => true, NOW),
        on.policy === "token" ? "no_token" : null
      ),
    cases(100)
  )

  it.prop(
    "a reason for ever: what was revoked or has expired stays so",
    [claims, paths, facts, revocations, element([0, 1, 60, 86_400])],
    ([token, path, on, revoked, later]) => {
      if (on.policy === "public") return
      const grant = grantOf(token, "k1")
      const lasting = new Set(["token_revoked", "token_expired"])
      const why = whyMustLeave(grant, path, on, revoked, () => true, NOW)
      if (why === null || !lasting.has(why)) return
      assert.isNotNull(whyMustLeave(grant, path, on, revoked, () => true, NOW + later))
    },
    cases(500)
  )
})
