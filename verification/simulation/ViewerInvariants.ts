/**
 * What must hold of viewers (docs/simulation.md), as they are let in and kicked: `view`, who is let in and who is refused; `watch`, who is kicked and who is not.
 * What must hold when nothing has gone wrong for a while is in `ViewerAgreement.ts`.
 */
import type { AuthDecision, SigningKeyId } from "@greenroom/core"
import { isAtLeast, type World } from "@greenroom/mediamtx-simulator"
import { isView, type Question, type ViewQuestion } from "./AuthEndpoint.ts"
import type { Counts } from "./Counts.ts"
import { aSecret } from "./Invariants.ts"
import type { MediaHost } from "./MediaHost.ts"
import { isGoodFor, mayWatch, type Verdict, type Watching } from "./mayWatchOracle.ts"
import type { Shown } from "./Players.ts"
import type { IssuedToken } from "./TokenBook.ts"
import { makeViewerKnowledge, type ViewerKnowledgeOptions } from "./ViewerKnowledge.ts"

export interface ViewerInvariantsOptions extends ViewerKnowledgeOptions {
  readonly counts: Counts
  readonly host: MediaHost
  readonly shownBy: (id: string) => Shown | undefined
  /** How far each clock is off that the instance has, or has had a moment ago, in milliseconds. */
  readonly clocksOf: (instance: string) => ReadonlyArray<number>
  readonly alive: () => ReadonlyArray<string>
  readonly fails: (invariant: "7" | "view" | "watch" | "count", what: string) => void
}

/** What may change who may watch. */
const changesRights =
  /^(by hand|Admissions\.(admit|takeOver|endGone)|Sessions\.(end|request)|StreamKeys\.(issue|change|revoke|rotate)|Broadcasters\.(change|remove)|PlaybackTokens\.revoke|SigningKeys\.)/

/** From the snapshot to the kick, and a little for what is under way. */
const KICK_WITHIN_MS = 2_500
const NEVER = Number.NEGATIVE_INFINITY

/** A session that reads. */
interface Watched {
  mayNot: boolean
  /** When it was seen to be without right for the last time. */
  mightNotAt: number
  /** Whether its token was good when it began. */
  readonly beganWith: Verdict
}

export const makeViewerInvariants = (options: ViewerInvariantsOptions) => {
  const { kernel, counts, store, host, setting, shownBy, clocksOf, alive, fails } = options
  const { state } = store
  const knowledge = makeViewerKnowledge(options)
  const watched = new Map<string, Watched>()
  /** By session: who has let it in, and the token that it had shown then. Players show a password only when they were refused without. */
  const letIn = new Map<string, { readonly by: string; readonly token: IssuedToken | null }>()
  const kicksWished = new Set<string>()
  /** Sessions that have gone, with the token that they had. */
  const gone: Array<{ readonly token: string | undefined; readonly path: string; readonly at: number }> = []

  const tokenOf = (id: string): IssuedToken | null => {
    const known = letIn.get(id)
    return known === undefined ? (shownBy(id)?.token ?? null) : known.token
  }
  /** What the time is, in seconds, by the store and by these instances; `ago`: so many milliseconds earlier. */
  const clocks = (instances: ReadonlyArray<string>, ago = 0): ReadonlyArray<number> =>
    [...new Set([0, ...instances.flatMap(clocksOf)])].map((ahead) => (kernel.now() + ahead - ago) / 1_000)
  const verdictOf = (watching: Watching, seconds: ReadonlyArray<number>): Verdict =>
    mayWatch(state, setting.playback, watching, kernel.now() / 1_000, seconds)
  const watchingOf = ({ id, path }: World.Connection): Watching => ({ path, token: tokenOf(id) })
  const readers = () => [...host.world().connections.values()].filter(({ phase }) => phase._tag === "Reading")

  const begin = (connection: World.Connection): Watched => {
    const { token, path } = watchingOf(connection)
    const seconds = kernel.now() / 1_000
    const beganWith = token === null ? "no" : isGoodFor(state, setting.playback, path, token, seconds, [seconds])
    const begun: Watched = { mayNot: false, mightNotAt: NEVER, beganWith }
    watched.set(connection.id, begun)
    return begun
  }
  const lookAt = (connection: World.Connection): Watched => {
    const known = watched.get(connection.id) ?? begin(connection)
    const mayNot = verdictOf(watchingOf(connection), clocks([])) !== "yes"
    if (known.mayNot || mayNot) known.mightNotAt = kernel.now()
    known.mayNot = mayNot
    return known
  }

  const shownIn = ({ id, view }: ViewQuestion): IssuedToken | null => {
    const token = shownBy(id)?.token ?? null
    return token !== null && [view.password, view.token, view.query].some((text) => text.includes(token.text))
      ? token
      : null
  }

  /** Its session shows only the id of its token, and the store does not have that. */
  const isHidden = (id: string): boolean => {
    const token = tokenOf(id)
    if (token === null || shownBy(id)?.isInQuery === true) return false
    const stored = state.playbackTokens.get(token.claims.id)
    return stored === undefined || state.signingKeys.get(stored.signingKeyId as SigningKeyId)?.removedAt !== null
  }
  /** Before 1.17 MediaMTX does not show user names: nobody but who has let it in knows that it has a token. */
  const isUntold = (id: string): boolean =>
    !isAtLeast(setting.version, "1.17.0") && tokenOf(id) !== null && shownBy(id)?.isInQuery !== true

  /** An application has signed its token, and who has let it in has ended before that was written. */
  const isLost = (id: string): boolean => isHidden(id) && !alive().includes(letIn.get(id)?.by ?? "")

  /** Whether it is among the oldest of its token, and there are more than there may be, or were a moment ago. */
  const isOneTooMany = (connection: World.Connection): boolean => {
    const { id = "", maxSessions = null } = tokenOf(connection.id)?.claims ?? {}
    if (maxSessions === null) return false
    const others = readers().filter((other) => tokenOf(other.id)?.claims.id === id && other.id !== connection.id)
    const left = gone.filter(({ token, at }) => token === id && at >= kernel.now() - KICK_WITHIN_MS).length
    return others.length + left >= maxSessions
  }

  return {
    tokenOf,
    isHidden,
    verdictOf: (connection: World.Connection, instances: ReadonlyArray<string>, ago: number) =>
      verdictOf(watchingOf(connection), clocks(instances, ago)),
    changedAt: ({ id, path }: World.Connection) => knowledge.changedAt(path, tokenOf(id)),
    isWished: (id: string) => kicksWished.has(id),
    /** Whether somebody has left this path since then. */
    hasLeft: (path: string, since: number) => gone.some((one) => one.path === path && one.at >= since),
    kickWished: (id: string) => {
      kicksWished.add(id)
    },
    /** The store has executed an operation. */
    executed: (operation: string) => {
      if (!changesRights.test(operation)) return
      knowledge.changed()
      for (const connection of readers()) lookAt(connection)
    },
    happened: (happening: World.Happening, path: string | undefined) => {
      if (happening._tag !== "Closed" || path === undefined) return
      watched.delete(happening.id)
      gone.push({ token: tokenOf(happening.id)?.claims.id, path, at: kernel.now() })
    },
    /** An instance has answered a question about a viewer. */
    answered: (instance: string, question: Question, decision: AuthDecision | "unavailable" | "broken") => {
      if (!isView(question) || decision === "broken") return
      const { id, path } = question
      const watching = { path, token: shownIn(question) }
      if (typeof decision !== "string" && decision._tag === "AllowViewer")
        letIn.set(question.view.id ?? id, { by: instance, token: watching.token })
      if (!knowledge.isLive(path) || !knowledge.knows(instance, path, watching.token)) return
      const verdict = verdictOf(watching, clocks([instance]))
      const isAllowed = typeof decision !== "string" && decision._tag !== "Refuse"
      if (isAllowed && verdict === "no") fails("view", `${instance} let ${id} watch ${path}, which it may not`)
      if (!isAllowed && verdict === "yes") {
        const told = typeof decision === "string" ? decision : decision._tag === "Refuse" ? decision.rule : ""
        fails("view", `${instance} did not let ${id} watch ${path}, which it may: ${told}`)
      }
      if (isAllowed && watching.token !== null && store.isDown()) counts.fault("viewer let in while the store was down")
    },
    /** MediaMTX ends a session because Greenroom said so, at `orderedAt`. */
    kicked: (id: string, instance: string, orderedAt: number) => {
      const connection = host.world().connections.get(id)
      if (connection === undefined || kicksWished.has(id)) return
      if (connection.action !== "read") return fails("watch", `the publisher ${id} was kicked as a viewer`)
      if (connection.phase._tag !== "Reading") return
      const { path, token } = watchingOf(connection)
      const seconds = [...clocks([instance]), ...clocks([instance], KICK_WITHIN_MS)]
      const { mightNotAt, beganWith } = lookAt(connection)
      if (verdictOf({ path, token }, seconds) !== "yes") return counts.fault("viewer kicked that may not watch")
      if (mightNotAt >= orderedAt - KICK_WITHIN_MS) return counts.note("viewers kicked that might not watch before")
      if (isOneTooMany(connection)) return counts.fault("viewer kicked as one too many")
      // It was let in although its token was not good, because nobody needed one.
      if (isUntold(id) && letIn.get(id)?.by !== instance) return counts.note("viewers kicked whose token no list shows")
      if (isLost(id)) return counts.note("viewers kicked whose token was never written")
      if (token !== null && beganWith !== "yes") return counts.note("viewers kicked whose token has become good")
      const isOld = !store.wasWellSince(orderedAt - KICK_WITHIN_MS) && !knowledge.knows(instance, path, token)
      if (isOld) return counts.note("viewers kicked by what was known before")
      fails("watch", `${id} was kicked by ${instance} from ${path}, which it may watch`)
    },
    tick: knowledge.tick,
    /** Everything once more, from the beginning. */
    finish: () => {
      const last = new Map<string, string>()
      for (const { type, subject } of state.eventLog.placed) {
        if (type !== "viewer.joined" && type !== "viewer.left") continue
        if (type === "viewer.joined") counts.note("viewers that joined")
        if ((last.get(subject) ?? "viewer.left") === type) fails("count", `${subject}: ${type}, twice in a row`)
        last.set(subject, type)
      }
      for (const [subject, type] of last) {
        const hasRow = state.viewers.has(subject.slice("viewer:".length))
        if (hasRow !== (type === "viewer.joined"))
          fails("count", `${subject}: ${type} is its last event, and its row is not so`)
      }
      const { eventLog, auditLog, authDecisions, playbackTokens, viewers } = state
      const stored = [
        eventLog.placed,
        auditLog.entries,
        ...[authDecisions, playbackTokens, viewers].map((map) => [...map])
      ]
      const found = aSecret.exec(JSON.stringify(stored))
      if (found !== null) fails("7", `a secret is stored: ${found[0]}`)
    }
  }
}

export type ViewerInvariants = ReturnType<typeof makeViewerInvariants>
