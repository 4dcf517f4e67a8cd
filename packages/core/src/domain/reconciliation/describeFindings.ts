/** The log lines for what has changed between two passes of one leader: one when something begins, one when it ends. Pure. */
import { withoutKeys } from "../access/StreamPath.ts"
import type { KickProgress, KickTracker } from "./KickTracker.ts"
import type { ListedPath, ListedSource } from "./MediaServerSnapshot.ts"
import type { Findings, Held, PathReset } from "./PassReport.ts"
import type { HoldReason } from "./planForUnauthorized.ts"

export interface LogLine {
  readonly level: "Info" | "Warn" | "Error"
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

const line = (level: LogLine["level"], message: string, annotations: LogLine["annotations"] = {}): LogLine => ({
  level,
  message,
  annotations
})

/** A publisher that was never admitted may have put a key into its path. */
const shown = (path: string | null): string | null => (path === null ? null : withoutKeys(path))

const ofSource = (listed: ListedSource) => ({
  path: shown(listed.path),
  protocol: listed.protocol,
  source_id: listed.id
})

const ofKick = ({ listed, reason }: KickProgress) => ({ why: reason, ...ofSource(listed) })

const ofReset = ({ path, sourceId }: PathReset) => ({ path: shown(path), source_id: sourceId })

const ofPath = ({ name, sourceType, sourceId }: ListedPath) => ({
  path: shown(name),
  source_type: sourceType,
  source_id: sourceId
})

/** The entries of `one` whose key is not in `other`. */
const missingFrom = <A>(other: ReadonlyMap<string, unknown>, one: ReadonlyMap<string, A>): ReadonlyArray<A> =>
  [...one].filter(([id]) => !other.has(id)).map(([, value]) => value)

const describeEndedKicks = (before: KickTracker, after: KickTracker): ReadonlyArray<LogLine> =>
  missingFrom(after, before)
    .filter(({ overdue, failure }) => overdue || failure !== null)
    .map((kick) => line("Info", "a publisher that stayed after a kick has left", ofKick(kick)))

const describeKicks = (before: KickTracker, after: KickTracker): ReadonlyArray<LogLine> =>
  [...after].flatMap(([id, kick]) => {
    const last = before.get(id)
    const lines: Array<LogLine> = []
    if (kick.overdue && last?.overdue !== true) {
      const message = "a kicked publisher is still listed; every pass kicks it again"
      lines.push(line("Warn", message, ofKick(kick)))
    }
    if (kick.failure !== null && (last?.failure ?? null) === null) {
      const message = "a kick was not answered; the next pass tries again"
      lines.push(line("Warn", message, { ...ofKick(kick), error: withoutKeys(kick.failure) }))
    }
    if (kick.answered !== null && (last?.answered ?? null) === null) {
      const message = kick.answered.answer === "kicked" ? "publisher kicked" : "publisher had left before the kick"
      lines.push(line("Info", message, ofKick(kick)))
    }
    return lines
  })

const describeResets = (before: Findings, after: Findings): ReadonlyArray<LogLine> => [
  ...after.resets.map((reset) => line("Warn", "the path of a publisher that no list shows was reset", ofReset(reset))),
  ...missingFrom(before.failedResets, after.failedResets).map((reset) =>
    line("Warn", "a path could not be reset; the next pass tries again", {
      ...ofReset(reset),
      error: withoutKeys(reset.error ?? "")
    })
  )
]

/** A path that was reset at last has its own line. */
const describeEndedResets = (before: Findings, after: Findings): ReadonlyArray<LogLine> => {
  const reset = new Set(after.resets.map(({ sourceId }) => sourceId))
  return missingFrom(after.failedResets, before.failedResets)
    .filter(({ sourceId }) => !reset.has(sourceId))
    .map((one) => line("Info", "the publisher has left a path that could not be reset", ofReset(one)))
}

const describeReported = (before: Findings, after: Findings): ReadonlyArray<LogLine> => [
  ...missingFrom(after.reported, before.reported).map((listed) =>
    line("Info", "unauthorized publisher is gone", ofSource(listed))
  ),
  ...missingFrom(before.reported, after.reported).map((listed) =>
    line("Warn", "unauthorized publisher: it has no session here and is only reported, as configured", ofSource(listed))
  )
]

const becauseOf: { readonly [W in HoldReason]: string } = {
  too_many: "more than the mass-kick limit, now or when the first were held back",
  not_asked: "and the media server is configured not to ask about publishers",
  not_known: "and it could not be read whether the media server is configured to ask about publishers",
  another_asks: "and admitted publishers never appear on this media server, so another one may be the one that asks"
}

const describeHeld = (before: Held | null, after: Held | null): ReadonlyArray<LogLine> => {
  if ((before?.why ?? null) === (after?.why ?? null)) return []
  if (after === null) return [line("Info", "the publishers without a session are no longer held back")]
  const publishers = after.count === 1 ? "1 publisher has" : `${after.count} publishers have`
  const message = `${publishers} no session here, ${becauseOf[after.why]}: none of them is kicked until an operator decides`
  return [line("Error", message)]
}

const describeUnlisted = (before: Findings, after: Findings): ReadonlyArray<LogLine> => [
  ...missingFrom(after.unlisted, before.unlisted).map((path) =>
    line("Info", "a publisher that no list showed is listed now, or has left", ofPath(path))
  ),
  ...missingFrom(before.unlisted, after.unlisted).map((path) =>
    line(
      "Warn",
      "a publisher on a path is in no list of connections, so a kick cannot reach it; when it has to go, its path is reset",
      ofPath(path)
    )
  )
]

const describeUnwritten = (before: Findings, after: Findings): ReadonlyArray<LogLine> => {
  if (before.unwritten.size > 0 === after.unwritten.size > 0) return []
  return after.unwritten.size === 0
    ? [line("Info", "the store writes the changes of the leader again")]
    : [
        line(
          "Error",
          "the store does not write the changes of the leader, so streams stay connecting: its Leases and its Sessions are not of one store",
          { streams: [...after.unwritten] }
        )
      ]
}

export const describeFindings = (before: Findings, after: Findings): ReadonlyArray<LogLine> => [
  ...describeEndedKicks(before.kicks, after.kicks),
  ...describeEndedResets(before, after),
  ...describeKicks(before.kicks, after.kicks),
  ...describeResets(before, after),
  ...describeReported(before, after),
  ...describeHeld(before.held, after.held),
  ...describeUnlisted(before, after),
  ...describeUnwritten(before, after)
]
