/**
 * Whether a newcomer takes key and path from the sessions that have them. It always takes the path from a key that its own has been rotated from.
 * It takes its own key where the deployment permits it, unless two encoders take the key from each other in turn.
 */
import { DateTime } from "effect"
import { type Refusal, refuse } from "./AuthDecision.ts"
import type { AdmissionDecision, AdmissionFacts, SessionFacts } from "./decideAdmission.ts"

/** So many takeovers of a key part its encoders. */
export const TAKEOVERS_MOST = 3
/** They count within this time: two encoders that both come back at once take a key from each other every second or two. */
const TAKEOVERS_WITHIN_MS = 10_000
/** For so long the encoder on the air keeps the key. */
const CONTESTED_FOR_MS = 60_000

/**
 * Whose sessions a takeover supersedes: `own`, the newcomer's key's as well; `former`, only those of the key that it was rotated from, on the path.
 * `lastSeen`: the newest takeover of the key that the decision knew. The store takes nothing over when there is a newer one.
 */
export interface Takeover {
  readonly of: "own" | "former"
  readonly lastSeen: DateTime.Utc | null
}

export type TakeoverDecision =
  | ({ readonly _tag: "TakeOver" } & Takeover)
  /** The sessions stay, unless the media server shows that they are gone. */
  | { readonly _tag: "Leave"; readonly refusal: Refusal }

/** Until when no encoder takes the key from another one; `null`: they may. `takeovers`: the last `TAKEOVERS_MOST`, newest first. */
export const contestedUntil = (takeovers: ReadonlyArray<DateTime.Utc>): DateTime.Utc | null => {
  const [newest] = takeovers
  const oldest = takeovers[TAKEOVERS_MOST - 1]
  if (newest === undefined || oldest === undefined) return null
  return newest.epochMilliseconds - oldest.epochMilliseconds <= TAKEOVERS_WITHIN_MS
    ? DateTime.add(newest, { milliseconds: CONTESTED_FOR_MS })
    : null
}

const belongs = (session: SessionFacts, { key }: AdmissionFacts): "own" | "former" | null =>
  session.streamKeyId === key?.id ? "own" : session.streamKeyId === key?.rotatedFrom ? "former" : null

/** Whether all of these sessions may be superseded. One that is being stopped keeps its first reason. */
export const canSupersede = (by: ReadonlyArray<SessionFacts>, facts: AdmissionFacts, of: Takeover["of"]): boolean =>
  by.every((session) => {
    const owner = belongs(session, facts)
    return !session.stopping && (owner === "former" || (owner === "own" && of === "own"))
  })

type InUse = Extract<AdmissionDecision, { readonly _tag: "InUse" }>

const contested = ({ key, now }: AdmissionFacts, until: DateTime.Utc, path: string): Refusal => {
  const left = Math.ceil((until.epochMilliseconds - now.epochMilliseconds) / 1_000)
  return refuse(
    "stream_key_contested",
    `Stream key ${key?.prefix}… stays with the encoder on ${path} for ${left} s more: encoders took it from each other ${TAKEOVERS_MOST} times within ${TAKEOVERS_WITHIN_MS / 1_000} s`,
    key
  )
}

/** `onDuplicate`: what the deployment does about a second publisher on a key. */
export const decideTakeover = (
  { by, refusal }: InUse,
  facts: AdmissionFacts,
  onDuplicate: "refuse" | "takeover"
): TakeoverDecision => {
  const owners = by.map((session) => belongs(session, facts))
  const lastSeen = facts.takeovers[0] ?? null
  if (owners.every((owner) => owner === "former")) return { _tag: "TakeOver", of: "former", lastSeen }
  if (owners.includes(null) || onDuplicate === "refuse") return { _tag: "Leave", refusal }
  const until = contestedUntil(facts.takeovers)
  return until !== null && DateTime.isLessThan(facts.now, until)
    ? { _tag: "Leave", refusal: contested(facts, until, by[0]!.path) }
    : { _tag: "TakeOver", of: "own", lastSeen }
}
