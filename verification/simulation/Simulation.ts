/**
 * One schedule, played from the beginning to its end or to the first invariant that does not hold: a store, a media server, instances,
 * encoders and operators under one simulated time. Deterministic: the same schedule and the same bug give the same outcome, and the same
 * trace to the byte.
 */
import type { AuthDecision } from "@greenroom/core"
import { makeRng, mixed } from "../worlds/Rng.ts"
import { disagreements, isFree } from "./Agreement.ts"
import type { Question } from "./AuthEndpoint.ts"
import type { Bug } from "./bugs/Bug.ts"
import { makeCluster } from "./Cluster.ts"
import { makeCounts, type Tally } from "./Counts.ts"
import { makeEncoders } from "./Encoders.ts"
import { makeEventReaders } from "./EventReaders.ts"
import { makeHooks } from "./Hooks.ts"
import { makeInvariants, type Violation } from "./Invariants.ts"
import { makeKernel } from "./Kernel.ts"
import { whyBad } from "./keyValidityOracle.ts"
import { makeMediaHost } from "./MediaHost.ts"
import { makeOperators } from "./Operators.ts"
import { makePlaybackOperators } from "./PlaybackOperators.ts"
import { makePlayers } from "./Players.ts"
import { makeKeyMint, makeScenario } from "./Scenario.ts"
import { makeSimulatedStore } from "./SimulatedStore.ts"
import { makeTokenSigner } from "./SimulatedTokenSigner.ts"
import type { Schedule } from "./Step.ts"
import { makeSteps } from "./Steps.ts"
import { makeTokenBook } from "./TokenBook.ts"
import { makeViewerAgreement } from "./ViewerAgreement.ts"
import { makeViewerInvariants, type ViewerInvariants } from "./ViewerInvariants.ts"
import { LOOKED_EVERY_MS } from "./ViewerKnowledge.ts"

export interface Outcome {
  readonly violation: Violation | null
  /** How many steps were taken. */
  readonly steps: number
  readonly simulatedMillis: number
  readonly tally: Tally
  readonly trace: ReadonlyArray<string>
}

export interface PlayOptions {
  readonly bug?: Bug | null
  /** Writes down what happens. */
  readonly traced?: boolean
}

/** The beginning of simulated time. */
const BEGAN = Date.UTC(2026, 0, 1)
/** Faults have stopped for so long: everything must agree. */
const AGREED_WITHIN_MS = 5_000
const LOOK_EVERY_MS = 250
/** An HLS player that asks for nothing counts for so long at most, and is looked at a little later. */
const IDLE_WITHIN_MS = 10_500
/** The 5 s begin when whoever stood in line for its auth has been let in or sent away: while one is asked about, the lists hang. */
const LET_IN_WITHIN_MS = 60_000

export const play = ({ seed, setting, steps }: Schedule, { bug = null, traced = false }: PlayOptions = {}): Outcome => {
  const kernel = makeKernel(BEGAN)
  const counts = makeCounts()
  const trace: Array<string> = []
  const note = (line: () => string) => {
    if (traced) trace.push(`${String(kernel.now() - BEGAN).padStart(7)} ${line()}`)
  }
  const rngFor = (purpose: number) => makeRng(mixed(seed, purpose))

  /** Who is there before it exists does nothing that concerns it. */
  const late: { viewers: ViewerInvariants | null } = { viewers: null }
  const store = makeSimulatedStore({
    kernel,
    rng: rngFor(1),
    counts,
    executed: (operation, caller) => {
      if (caller !== null) note(() => `  ${caller.name}: ${operation}`)
      invariants.executed(operation, caller?.name ?? null)
      late.viewers?.executed(operation)
    }
  })
  const mint = makeKeyMint()
  const signer = makeTokenSigner()
  const host = makeMediaHost({
    version: setting.version,
    kernel,
    rng: rngFor(2),
    counts,
    ask: (question, answer) => ask(question, answer),
    happened: (happening) => {
      const id = happening._tag === "Closed" ? happening.id : happening.connection.id
      note(() => `  media server: ${happening._tag} ${id}${happening._tag === "Closed" ? ` ${happening.reason}` : ""}`)
      invariants.happened(happening)
      viewers.happened(happening, players.shownBy(id)?.path)
      hooks.happened(happening)
      if (happening._tag === "Closed") encoders.closed(happening.id, happening.reason)
    },
    overlapped: (instance) => invariants.fails("turn", `${instance} kicked an RTSP session beside a call of its own`)
  })
  const invariants = makeInvariants({ kernel, store, host, counts, setting })
  const scenario = makeScenario(setting, store, mint)
  const tokens = makeTokenBook({ kernel, rng: rngFor(7), store, signer })
  const players = makePlayers({ kernel, counts, store, host, scenario, setting, tokens })
  const cluster = makeCluster({
    kernel,
    counts,
    store,
    host,
    mint,
    signer,
    setting,
    bug,
    rng: rngFor(3),
    invariants,
    viewers: () => viewers,
    note
  })
  const { awakeSince, alive, clocksOf } = cluster
  const viewers = makeViewerInvariants({
    kernel,
    counts,
    store,
    host,
    setting,
    paths: scenario.map(({ path }) => path),
    shownBy: players.shownBy,
    clocksOf,
    awakeSince,
    alive,
    fails: invariants.fails
  })
  late.viewers = viewers
  const viewerAgreement = makeViewerAgreement({ kernel, store, host, setting, players, viewers, awakeSince, alive })
  const encoders = makeEncoders({ kernel, rng: rngFor(4), counts, host, scenario, setting })
  const hooks = makeHooks({ kernel, rng: rngFor(5), counts, setting, send: cluster.hook })
  const operators = makeOperators({ kernel, counts, store, host, scenario, invariants, instance: cluster.well })
  const playback = makePlaybackOperators({
    kernel,
    rng: rngFor(8),
    counts,
    store,
    players,
    tokens,
    invariants: viewers,
    instance: cluster.well
  })

  const toldOf = (decision: AuthDecision | "unavailable" | "broken"): string =>
    typeof decision === "string" ? decision : decision._tag === "Refuse" ? decision.reason : "allow"
  const ask = (question: Question, answer: (allowed: boolean) => void): (() => void) =>
    cluster.authenticate(question, (decision) => {
      note(() => `  /auth for ${question.id} on ${question.path}: ${toldOf(decision)}`)
      counts.note(`auth: ${toldOf(decision)}`)
      if (toldOf(decision) === "stream_key_blocked") counts.fault("newcomer kept off by a block")
      if (toldOf(decision) === "stream_key_contested") counts.fault("newcomer to a contested key refused")
      answer(typeof decision !== "string" && decision._tag !== "Refuse")
    })

  const isOver = () => invariants.violation() !== null

  /** Whoever may publish is let in: no key, no path and no authEndpoint stays locked. */
  const letIn = (faultsStopped: number) => {
    const place = encoders.absent((member) => isFree(member, kernel, store, host))
    if (place === undefined) return
    while (!isOver() && whyBad(store.state, place.key.id, kernel.now()) === null) {
      const id = encoders.comes(place)!
      do kernel.runTo(kernel.now() + 50, isOver)
      while (!isOver() && host.isAsking())
      if (store.state.streamBySource.has(id)) return counts.fault("newcomer after faults stopped")
      if (kernel.now() - faultsStopped >= AGREED_WITHIN_MS)
        invariants.fails("free", `5 s after faults stopped ${id} was not let in, although its key is good and free`)
    }
  }

  /** Faults stop; as soon as everything agrees the schedule goes on. */
  const quietPeriod = (revive: "all" | "one") => {
    store.repair()
    host.repair()
    cluster.repair(revive)
    encoders.calm()
    const stopped = kernel.now()
    while (!isOver() && host.isAsking() && kernel.now() - stopped < LET_IN_WITHIN_MS)
      kernel.runTo(kernel.now() + 50, isOver)
    const began = kernel.now()
    const disagreeing = () => [
      ...disagreements(kernel, store, host, setting, invariants.wereTooMany()),
      ...viewerAgreement.disagreements(),
      ...readers.behind().map((what) => ({ invariant: "events" as const, what }))
    ]
    let left = disagreeing()
    while (!isOver()) {
      if (setting.controlApi === "absent") operators.forceTheGone()
      kernel.runTo(kernel.now() + LOOK_EVERY_MS, isOver)
      left = disagreeing()
      if (left.length === 0 || kernel.now() - began >= AGREED_WITHIN_MS) break
    }
    for (const { invariant, what } of left) invariants.fails(invariant, `5 s after faults stopped: ${what}`)
    counts.note(`agreed within ${Math.ceil((kernel.now() - began) / 1_000)} s`)
    invariants.rest(left.length === 0)
    if (!isOver()) letIn(began)
    invariants.rest(false)
    cluster.loosen()
    encoders.excite()
  }

  /** Who asks for nothing counts no more after a while, in which nothing goes wrong. */
  const idleViewers = () => {
    if (!players.hlsEnds()) return
    const from = kernel.now() + IDLE_WITHIN_MS
    while (!isOver() && kernel.now() < from + AGREED_WITHIN_MS) {
      kernel.runTo(Math.max(from, kernel.now() + LOOK_EVERY_MS), isOver)
      if (viewerAgreement.disagreements().length === 0) return counts.fault("HLS player idle for good")
    }
    for (const { invariant, what } of viewerAgreement.disagreements()) invariants.fails(invariant, what)
  }

  const takeStep = makeSteps({
    counts,
    store,
    host,
    cluster,
    encoders,
    hooks,
    operators,
    players,
    playback,
    invariants,
    scenario,
    ask,
    quietPeriod
  })

  const watchViewers = () => {
    viewers.tick()
    const overdue = viewerAgreement.overdue()
    if (overdue !== null) invariants.fails("watch", overdue)
    kernel.after(LOOKED_EVERY_MS, watchViewers)
  }

  cluster.startAll()
  if (setting.viewers > 0) {
    watchViewers()
    kernel.after(0, () => playback.makeKeyKnown(cluster.anyWell()))
  }
  const readers = makeEventReaders({
    kernel,
    rng: rngFor(6),
    counts,
    store,
    invariants,
    instance: cluster.anyWell
  })
  let taken = 0
  let quietMillis = 0
  for (const step of steps) {
    kernel.runTo(BEGAN + step.at + quietMillis, isOver)
    if (isOver()) break
    note(() => JSON.stringify(step))
    const before = kernel.now()
    takeStep(step)
    kernel.settle()
    quietMillis += step._tag === "QuietPeriod" ? kernel.now() - before : 0
    taken += 1
  }
  if (!isOver()) quietPeriod("all")
  if (!isOver()) idleViewers()
  if (!isOver()) invariants.finish()
  if (!isOver() && setting.viewers > 0) viewers.finish()
  const violation = invariants.violation()
  note(() => (violation === null ? "every invariant holds" : `invariant ${violation.invariant}: ${violation.what}`))
  return { violation, steps: taken, simulatedMillis: kernel.now() - BEGAN, tally: counts.tally, trace }
}
