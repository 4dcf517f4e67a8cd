/**
 * The decisions of this process that the store does not have yet. Equal ones within a minute are one group: it has one id and a count, so an encoder
 * that tries again each second is one record, and each id in a log leads to a record. Decisions about one key, or from strangers, must not push those about
 * others out of the log: too many different ones about one key, or from one address, are merged, and so are too many of strangers together. State
 * without effects.
 */
import type { DecisionContent } from "../domain/access/RecordedDecision.ts"
import type { DecisionId } from "../domain/values/Ids.ts"

/** Equal decisions of so long are one. */
export const WINDOW_MS = 60_000
/** Different decisions about one key, or from one address without a known key, by one rule, in a window; further ones are merged. */
export const DISTINCT_MAX = 20
/** Different refusals without a known key in a window, from all addresses; further ones are merged. */
export const UNKNOWN_MAX = 300
/** Groups that wait to be written; the oldest are dropped when there are more. */
export const WAITING_MAX = 5_000
/** Groups of the window that are remembered; a decision beyond them is a group of its own. */
const GROUPS_MAX = 10_000
/** An RTSP client asks once without a key. Only when no second call of the connection follows within this time is that worth a record. */
export const FIRST_ASK_MS = 5_000
const FIRST_ASKS_MAX = 2_000

export interface Group {
  readonly id: DecisionId
  readonly content: DecisionContent
  /** Milliseconds of the monotonic clock. */
  readonly first: number
  last: number
  count: number
  /** Not to be written before. */
  readonly from: number
}

export interface GroupedDecision {
  readonly content: DecisionContent
  /** Nothing was wrong yet: the client may ask again with a key. */
  readonly isFirstAsk: boolean
  /** Of the connection; `null` where there is none. */
  readonly sourceId: string | null
}

const isUnknown = ({ outcome, streamKeyId }: DecisionContent): boolean => outcome !== "allow" && streamKeyId === null

const textOf = ({ outcome, rule, action, path, protocol, ip, streamKeyId, keyPrefix, streamId }: DecisionContent) =>
  `${outcome}\n${rule}\n${action}\n${protocol}\n${streamKeyId ?? keyPrefix}\n${streamId}\n${ip}\n${path}`

/** What is left of a decision that is merged with others by the same rule. */
const merged = (content: DecisionContent, ip: string | null): DecisionContent => ({
  ...content,
  ip,
  path: null,
  protocol: null,
  userAgent: null,
  detail: "Many different decisions by this rule, merged into one",
  facts: null,
  keyPrefix: content.streamKeyId === null ? null : content.keyPrefix,
  streamId: null
})

export class DecisionGroups {
  #windowBegan = Number.NEGATIVE_INFINITY
  readonly #groups = new Map<string, Group>()
  readonly #distinct = new Map<string, number>()
  #unknown = 0
  readonly #waiting = new Set<Group>()
  readonly #firstAsks = new Map<string, Group>()
  #dropped = 0
  readonly #firstAskMillis: number

  constructor(firstAskMillis = FIRST_ASK_MS) {
    this.#firstAskMillis = firstAskMillis
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** How many were dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  /** The id of the decision's group. `newId` is called for a new one. */
  add({ content, isFirstAsk, sourceId }: GroupedDecision, now: number, newId: () => DecisionId): DecisionId {
    if (now - this.#windowBegan >= WINDOW_MS) this.#beginWindow(now)
    if (sourceId !== null && !isFirstAsk) this.#answered(sourceId)
    const group = this.#groupOf(content, isFirstAsk ? now + this.#firstAskMillis : now, now, newId)
    group.count++
    group.last = now
    if (isFirstAsk && sourceId !== null) this.#rememberFirstAsk(sourceId, group)
    this.#waiting.add(group)
    if (this.#waiting.size > WAITING_MAX) this.#dropOldest()
    return group.id
  }

  /** Those that can be written now, in the order in which they began, at most `most` of them. */
  due(now: number, most: number): ReadonlyArray<Group> {
    const due: Array<Group> = []
    for (const group of this.#waiting) {
      if (group.from > now) continue
      due.push(group)
      if (due.length === most) break
    }
    return due
  }

  /** These were written, with these counts. A group that has grown meanwhile waits again. */
  written(groups: ReadonlyArray<{ readonly group: Group; readonly count: number }>): void {
    for (const { group, count } of groups) if (group.count === count) this.#waiting.delete(group)
  }

  /** These cannot be written. */
  drop(groups: ReadonlyArray<Group>): void {
    for (const group of groups) if (this.#waiting.delete(group)) this.#dropped++
  }

  #beginWindow(now: number): void {
    this.#windowBegan = now
    this.#groups.clear()
    this.#distinct.clear()
    this.#unknown = 0
  }

  #groupOf(content: DecisionContent, from: number, now: number, newId: () => DecisionId): Group {
    const text = textOf(content)
    const known = this.#groups.get(text)
    if (known !== undefined) return known
    const kept = this.#admit(content)
    const keptText = kept === content ? text : textOf(kept)
    const group = this.#groups.get(keptText) ?? { id: newId(), content: kept, first: now, last: now, count: 0, from }
    if (this.#groups.size < GROUPS_MAX) this.#groups.set(keptText, group)
    return group
  }

  /** The decision itself, or what is left of it when there are too many like it. */
  #admit(content: DecisionContent): DecisionContent {
    const subject = `${content.rule}\n${content.streamKeyId ?? content.ip}`
    const distinct = this.#distinct.get(subject) ?? 0
    const unknown = isUnknown(content)
    if (unknown && this.#unknown >= UNKNOWN_MAX) return merged(content, null)
    if (distinct >= DISTINCT_MAX) return merged(content, content.ip)
    if (this.#distinct.size < GROUPS_MAX) this.#distinct.set(subject, distinct + 1)
    if (unknown) this.#unknown++
    return content
  }

  #rememberFirstAsk(sourceId: string, group: Group): void {
    if (this.#firstAsks.size >= FIRST_ASKS_MAX) {
      const [oldest] = this.#firstAsks.keys()
      if (oldest !== undefined) this.#firstAsks.delete(oldest)
    }
    this.#firstAsks.set(sourceId, group)
  }

  /** The connection has asked again, so its first call was the usual one and not what is wrong. */
  #answered(sourceId: string): void {
    const group = this.#firstAsks.get(sourceId)
    if (group === undefined) return
    this.#firstAsks.delete(sourceId)
    group.count--
    if (group.count > 0) return
    this.#waiting.delete(group)
    this.#groups.delete(textOf(group.content))
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting
    if (oldest === undefined) return
    this.#waiting.delete(oldest)
    this.#dropped++
  }
}
