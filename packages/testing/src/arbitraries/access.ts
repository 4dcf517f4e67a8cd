/** Random questions of MediaMTX, and the answers to them. */
import {
  type AuthCall,
  type AuthDecision,
  type AuthRequest,
  admissionRules,
  type Refusal,
  type RefusalReason,
  type RefusalRule,
  readAuthCall,
  refusalReasons,
  ruleNames
} from "@greenroom/core"
import { Arbitrary, Redacted } from "effect"
import { boolean, element, maybe, oneOf } from "./draw.ts"
import { streamIds, streamKeyIds } from "./idsAndTimes.ts"
import { sourceIds } from "./streamValues.ts"
import { keyPrefixes, keyTexts, lines, pathish, validPaths } from "./text.ts"

const hidden = (texts: Arbitrary.Arbitrary<string>) =>
  Arbitrary.map(oneOf<string | undefined>([element([undefined, ""]), texts]), (text) =>
    text === undefined ? undefined : Redacted.make(text)
  )

/** A key, or one that was pasted with something around it. */
const pastedKeys = oneOf([keyTexts, keyTexts, Arbitrary.map(keyTexts, (key) => `my key: ${key}`)])

/** MediaMTX's question, with the key in any place, or in none: what `readAuthCall` takes. */
export const authCalls: Arbitrary.Arbitrary<AuthCall> = Arbitrary.all({
  action: element(["publish", "publish", "publish", "read", "playback", "api", "metrics", "pprof", "dance", undefined]),
  path: oneOf([validPaths, pathish]),
  protocol: element(["rtmp", "rtsp", "srt", "webrtc", "moq", "hls", "", undefined]),
  id: oneOf<string | null | undefined>([sourceIds, element([null, undefined])]),
  user: hidden(element(["publisher"])),
  password: hidden(pastedKeys),
  token: hidden(pastedKeys),
  query: hidden(Arbitrary.map(keyTexts, (key) => `user=any&pass=${key}`))
})

/** What `authenticate` takes: the questions that are complete, as they are read. */
export const authRequests: Arbitrary.Arbitrary<AuthRequest> = Arbitrary.filter(
  Arbitrary.map(authCalls, readAuthCall),
  (read): read is AuthRequest => read._tag !== "Incomplete"
)

const keyRefs = Arbitrary.all({ id: streamKeyIds, prefix: keyPrefixes })

const refusalRules = ruleNames.filter((rule): rule is RefusalRule =>
  refusalReasons.some((reason) => reason === admissionRules[rule].reason)
)

export const refusals: Arbitrary.Arbitrary<Refusal> = Arbitrary.map(
  Arbitrary.all({ rule: element(refusalRules), detail: lines, key: maybe(keyRefs), quiet: boolean }),
  (refusal) => ({
    _tag: "Refuse",
    ...refusal,
    reason: admissionRules[refusal.rule].reason as RefusalReason,
    facts: null,
    viewer: null
  })
)

export const authDecisions: Arbitrary.Arbitrary<AuthDecision> = oneOf<AuthDecision>([
  element<AuthDecision>([{ _tag: "Allow" }]),
  Arbitrary.map(
    Arbitrary.all({ streamId: streamIds, key: keyRefs, again: boolean }),
    (allowed): AuthDecision => ({ _tag: "AllowPublisher", ...allowed })
  ),
  Arbitrary.map(keyRefs, (key): AuthDecision => ({ _tag: "Good", key })),
  refusals
])
