/**
 * What a reconciler has said and done about single connections, so that each is said once when it begins and once when it is over,
 * however many passes it lasts, and so that nobody hurries for one that stays whatever it is told. It forgets a connection when a look
 * shows it no more, so it is never larger than a look.
 */
import { Effect } from "effect"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import type { ListedPath, ListedSource, MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import type { HoldReason } from "../domain/reconciliation/planForUnauthorized.ts"
import type { MediaServerUnavailable } from "../ports/MediaServer.ts"
import { elapsedAtLeast, type Reading, readClocks } from "../resilience/ProcessClock.ts"

export type KickReason = "stopping" | "unauthorized" | "former"

interface Dealing {
  readonly listed: ListedSource
  readonly why: KickReason
  /** When it was first told to go; `null` while no kick was answered. */
  toldAt: Reading | null
  saidUnanswered: boolean
  saidStubborn: boolean
}

/** Nobody who was told to go takes longer than this, on a media server that is well. */
const STUBBORN_AFTER_MS = 2_000

/** A path as it may be written: whoever was never admitted may have put a key into it. */
const shown = (path: string | null): string | null => (path === null ? null : withoutKeys(path))

const about = (listed: ListedSource, more: Record<string, unknown> = {}) =>
  Effect.annotateLogs({ ...more, path: shown(listed.path), protocol: listed.protocol, source_id: listed.id })

export interface Held {
  readonly count: number
  readonly why: HoldReason
}

const becauseOf: { readonly [W in HoldReason]: string } = {
  too_many: "more than the mass-kick limit",
  not_asked: "and the media server is configured not to ask about publishers",
  not_known: "and it could not be read whether the media server is configured to ask about publishers",
  another_asks: "and admitted publishers never appear on this media server, so another one may be the one that asks"
}

export const makeKickTracker = () => {
  const kicks = new Map<string, Dealing>()
  const unresettable = new Map<string, string>()
  const reported = new Map<string, ListedSource>()
  const unlisted = new Map<string, ListedPath>()
  let heldWhy: HoldReason | null = null
  let enforced = 0

  const dealingWith = (listed: ListedSource, why: KickReason): Dealing => {
    const known = kicks.get(listed.id)
    if (known !== undefined) return known
    const dealing: Dealing = { listed, why, toldAt: null, saidUnanswered: false, saidStubborn: false }
    kicks.set(listed.id, dealing)
    return dealing
  }

  /** A kick was answered. Whether it is the first that this connection heard. */
  const told = Effect.fnUntraced(function* (listed: ListedSource, why: KickReason, answer: "kicked" | "gone") {
    const dealing = dealingWith(listed, why)
    if (dealing.toldAt !== null) return false
    dealing.toldAt = yield* readClocks
    const text = answer === "kicked" ? "publisher kicked" : "publisher had left before the kick"
    yield* Effect.logInfo(text).pipe(about(listed, { why }))
    return true
  })

  const notAnswered = Effect.fnUntraced(function* (
    listed: ListedSource,
    why: KickReason,
    error: MediaServerUnavailable
  ) {
    const dealing = dealingWith(listed, why)
    if (dealing.saidUnanswered) return
    dealing.saidUnanswered = true
    yield* Effect.logWarning("a kick was not answered; the next pass tries again").pipe(
      about(listed, { why, error: withoutKeys(error.message) })
    )
  })

  /** No kick of this connection was answered so far, and one was tried. */
  const isUnanswered = (id: string): boolean => kicks.get(id)?.toldAt === null

  const pathReset = (path: string, sourceId: string) =>
    Effect.suspend(() => {
      unresettable.delete(sourceId)
      return Effect.logWarning("a publisher that no list shows: its path is reset").pipe(
        Effect.annotateLogs({ path: shown(path), source_id: sourceId })
      )
    })

  const pathNotReset = (path: string, sourceId: string, error: MediaServerUnavailable) =>
    Effect.suspend(() => {
      if (unresettable.has(sourceId)) return Effect.void
      unresettable.set(sourceId, path)
      return Effect.logWarning("a path could not be reset; the next pass tries again").pipe(
        Effect.annotateLogs({ path: shown(path), source_id: sourceId, error: withoutKeys(error.message) })
      )
    })

  /** What a whole look shows to be over, or to last. How many who were told to go are listed still, and whether that was just now. */
  const looked = Effect.fnUntraced(function* (look: MediaServerSnapshot) {
    const now = yield* readClocks
    const listed = new Set(look.sources.map((source) => source.id))
    const onPaths = new Set(look.paths.map((path) => path.sourceId))
    let staying = 0
    let justTold = false
    for (const [id, dealing] of kicks) {
      const { toldAt } = dealing
      if (!listed.has(id)) {
        kicks.delete(id)
        if (dealing.saidStubborn || dealing.saidUnanswered) {
          yield* Effect.logInfo("a publisher that did not go at once has gone").pipe(
            about(dealing.listed, { why: dealing.why })
          )
        }
      } else if (toldAt !== null) {
        staying++
        if (elapsedAtLeast(toldAt, now) < STUBBORN_AFTER_MS) justTold = true
        else if (!dealing.saidStubborn) {
          dealing.saidStubborn = true
          yield* Effect.logWarning("a publisher was told to go and is listed still; every pass tells it again").pipe(
            about(dealing.listed, { why: dealing.why })
          )
        }
      }
    }
    for (const [id, path] of unresettable) {
      if (onPaths.has(id) && !listed.has(id)) continue
      unresettable.delete(id)
      yield* Effect.logInfo("a path that could not be reset is rid of its publisher").pipe(
        Effect.annotateLogs({ path: shown(path), source_id: id })
      )
    }
    return { staying, justTold }
  })

  /** The publishers that a pass left on the air although nobody admitted them. */
  const leftOnAir = Effect.fnUntraced(function* (strangers: ReadonlyArray<ListedSource>, held: Held | null) {
    const now = new Map(strangers.map((listed) => [listed.id, listed]))
    for (const [id, listed] of reported) {
      if (now.has(id)) continue
      reported.delete(id)
      yield* Effect.logInfo("a publisher without a session is no longer on the air unchecked").pipe(about(listed))
    }
    for (const [id, listed] of now) {
      if (reported.has(id)) continue
      reported.set(id, listed)
      yield* Effect.logWarning("a publisher has no session here; it is only reported, as configured").pipe(
        about(listed)
      )
    }
    const why = held?.why ?? null
    if (heldWhy === why) return
    heldWhy = why
    yield* held === null
      ? Effect.logInfo("the publishers without a session are no longer held back")
      : Effect.logError(
          `${held.count} publishers have no session here, ${becauseOf[held.why]}: none of them is kicked until an operator decides`
        )
  })

  /** The publishers on a path that no list shows and that may stay, for all that is known. */
  const leftUnlisted = Effect.fnUntraced(function* (paths: ReadonlyArray<ListedPath>) {
    const now = new Map(paths.map((path) => [path.sourceId, path]))
    const line = ({ name, sourceType, sourceId }: ListedPath) =>
      Effect.annotateLogs({ path: shown(name), source_type: sourceType, source_id: sourceId })
    for (const [id, path] of unlisted) {
      if (now.has(id)) continue
      unlisted.delete(id)
      yield* Effect.logInfo("a publisher that no list showed is listed now, or has left").pipe(line(path))
    }
    for (const [id, path] of now) {
      if (unlisted.has(id)) continue
      unlisted.set(id, path)
      yield* Effect.logWarning(
        "a publisher on a path stands in no list of connections, so a kick cannot reach it; when it has to go, its path is reset"
      ).pipe(line(path))
    }
  })

  /** How many strangers were told to go since their enforcement was wished, those of this pass included; without a wish, those alone. */
  const kickedSoFar = (inThisPass: number, wished: boolean): number => {
    enforced = wished ? enforced + inThisPass : 0
    return wished ? enforced : inThisPass
  }

  /** Another instance looks now: what lasts is for that one to say. */
  const handOver = Effect.sync(() => {
    kicks.clear()
    unresettable.clear()
    reported.clear()
    unlisted.clear()
    heldWhy = null
    enforced = 0
  })

  return {
    kickedSoFar,
    isUnanswered,
    told,
    notAnswered,
    pathReset,
    pathNotReset,
    looked,
    leftOnAir,
    leftUnlisted,
    handOver
  }
}

export type KickTracker = ReturnType<typeof makeKickTracker>
