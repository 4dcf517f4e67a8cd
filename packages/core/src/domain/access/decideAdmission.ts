/**
 * Who may publish: the pure decision, from the facts that the store returns when its admission statement wrote nothing. The
 * statement and this function state the same rules once for the database and once for people; the repositories' contract suite
 * holds them to each other. What is "in use" is only a claim here: `authenticate` checks it with the media server.
 */
import { DateTime } from "effect"
import type { Source } from "../streams/Protocol.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../values/Ids.ts"
import type { KeyRef, Refusal } from "./AuthDecision.ts"
import { refuse, withFacts } from "./AuthDecision.ts"
import type { RefusalRule } from "./admissionRules.ts"
import { activeBlock, type KeyValidity, type PathBlock, whyInvalid } from "./StreamKey.ts"
import { containsKey, type PathLimitText, parseLimit, pathComplaint, within } from "./StreamPath.ts"

export interface SessionFacts {
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly source: Source
  readonly startedAt: DateTime.Utc
  readonly ended: boolean
  readonly stopping: boolean
}

export interface KeyFacts extends KeyRef, KeyValidity {
  readonly broadcasterId: BroadcasterId
  readonly path: PathLimitText | null
  readonly rotatedFrom: StreamKeyId | null
  readonly block: PathBlock | null
  /** Of a worker's key alone, which admits one connection until `admitsUntil`. `spent`: it has admitted one. */
  readonly ticket?: { readonly admitsUntil: DateTime.Utc; readonly spent: boolean }
}

/** One snapshot of all that bears on an admission; `now` is the database's clock in it. */
export interface AdmissionFacts {
  readonly now: DateTime.Utc
  readonly key: KeyFacts | null
  /** The unended, unsuperseded session of the key. */
  readonly keySession: SessionFacts | null
  /** The unended, unsuperseded session on the path. */
  readonly pathSession: SessionFacts | null
  /** Any session, ended or not, of the asking connection. */
  readonly sourceSession: SessionFacts | null
  /** When connections have last taken the key from one another: the last `TAKEOVERS_MOST`, newest first. */
  readonly takeovers: ReadonlyArray<DateTime.Utc>
  /** Whether this is the ingest path of an unrevoked key of another broadcaster. */
  readonly pathOwnedByOther: boolean
}

export type AdmissionDecision =
  | { readonly _tag: "Admit" }
  | { readonly _tag: "Again"; readonly streamId: StreamId; readonly key: KeyRef }
  /** The key or the path is in use, as far as the store knows; `refusal` is the answer unless these sessions turn out to be gone. */
  | { readonly _tag: "InUse"; readonly by: ReadonlyArray<SessionFacts>; readonly refusal: Refusal }
  | Refusal

/** What no key can make right; `null` when the path may be asked for at all. */
export const refusePath = (path: string): Refusal | null => {
  if (containsKey(path)) {
    return refuse(
      "key_in_path",
      "The stream key stands in the path, which every viewer sees: send it as the password instead"
    )
  }
  const complaint = pathComplaint(path)
  return complaint === undefined ? null : refuse("path_malformed", complaint)
}

type Ask = { readonly path: string; readonly reserved?: boolean }

/** The key, if it, its standing and its limit are good for the path: the rules that a check and an admission share. */
const findUsableKey = (
  ask: Ask,
  facts: AdmissionFacts
): { readonly key: KeyFacts; readonly mark: KeyRef } | Refusal => {
  const badPath = refusePath(ask.path)
  if (badPath !== null) return badPath
  const key = facts.key
  if (key === null) return refuse("invalid_stream_key", "No such stream key")
  const mark: KeyRef = { id: key.id, prefix: key.prefix }
  const no = (rule: RefusalRule, detail: string) => refuse(rule, detail, mark)

  const bad = whyInvalid(key, facts.now)
  if (bad === "revoked") return no("stream_key_revoked", `Stream key ${key.prefix}… is revoked`)
  if (bad === "expired") return no("stream_key_expired", `Stream key ${key.prefix}… has expired`)
  if (bad === "disabled") return no("stream_key_disabled", `Stream key ${key.prefix}… is disabled`)
  if (!within(key.path === null ? null : parseLimit(key.path), ask.path)) {
    return no("path_outside_limit", `Stream key ${key.prefix}… may publish on ${key.path} only, not on ${ask.path}`)
  }
  const { ticket } = key
  if (ask.reserved === true && ticket === undefined) {
    return no("path_of_worker", `Path ${ask.path} is for what Greenroom's own worker makes of the stream at …/in`)
  }
  if (facts.pathOwnedByOther && ticket === undefined) {
    return no("path_of_other", `Path ${ask.path} belongs to another broadcaster's stream key`)
  }
  const block = activeBlock(key, facts.now)
  if (block !== null && block.path === ask.path) {
    const until = DateTime.formatIso(block.until)
    return no("stream_key_blocked", `Stream key ${key.prefix}… is blocked on ${ask.path} until ${until}`)
  }
  return { key, mark }
}

/** A worker's key that has admitted its connection, or is too old to. */
const refuseTicket = ({ ticket, prefix }: KeyFacts, mark: KeyRef, now: DateTime.Utc): Refusal | null =>
  ticket !== undefined && (ticket.spent || DateTime.isLessThanOrEqualTo(ticket.admitsUntil, now))
    ? refuse("worker_key_used", `The worker's key ${prefix}… was good for one connection, within seconds`, mark)
    : null

/**
 * Whether the key is good for the path. That one of them is in use does not matter: a browser that publishes asks so as well, and whether
 * the connection that will come is let in is decided when it comes.
 */
export const decideCheck = (ask: Ask, facts: AdmissionFacts) => withFacts(checkOf(ask, facts), facts)

const checkOf = (ask: Ask, facts: AdmissionFacts): { readonly _tag: "Good"; readonly key: KeyRef } | Refusal => {
  const good = findUsableKey(ask, facts)
  if ("_tag" in good) return good
  return refuseTicket(good.key, good.mark, facts.now) ?? { _tag: "Good", key: good.mark }
}

/**
 * Decides whether a connection may publish. Pure and total.
 *
 * `Admit`: nothing is against it. `Again`: MediaMTX asks twice for one connection, whose session stays. `InUse`: the store has open sessions
 * of the key or on the path, whose connections may be gone. Otherwise a refusal with its sentence.
 */
export const decideAdmission = (ask: Ask & { readonly sourceId: string }, facts: AdmissionFacts): AdmissionDecision => {
  const decision = decisionOf(ask, facts)
  return decision._tag === "InUse"
    ? { ...decision, refusal: withFacts(decision.refusal, facts) }
    : withFacts(decision, facts)
}

const decisionOf = (ask: Ask & { readonly sourceId: string }, facts: AdmissionFacts): AdmissionDecision => {
  const good = findUsableKey(ask, facts)
  if ("_tag" in good) return good
  const { key, mark } = good
  const no = (rule: RefusalRule, detail: string) => refuse(rule, detail, mark)

  const own = facts.sourceSession
  if (own !== null) {
    const same = !own.ended && !own.stopping && own.streamKeyId === key.id && own.path === ask.path
    return same
      ? { _tag: "Again", streamId: own.streamId, key: mark }
      : no("connection_had_stream", `Connection ${ask.sourceId} had its stream already: connect anew`)
  }
  const usedTicket = refuseTicket(key, mark, facts.now)
  if (usedTicket !== null) return usedTicket
  const by = [facts.keySession, facts.pathSession].filter((session) => session !== null)
  if (by.length === 0) return { _tag: "Admit" }
  return {
    _tag: "InUse",
    by: by.filter((session, index) => by.findIndex((other) => other.streamId === session.streamId) === index),
    refusal:
      facts.keySession !== null
        ? no("stream_key_in_use", `Stream key ${key.prefix}… is publishing on ${facts.keySession.path} already`)
        : no("path_in_use", `Another publisher is on ${ask.path} already`)
  }
}
