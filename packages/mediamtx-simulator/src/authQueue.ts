/**
 * Asks about clients as MediaMTX does: one at a time, process-wide. While one is asked about, the list of paths waits; while an RTSP client
 * is, calls about RTSP sessions do, and those about HLS sessions while an HLS player is. (Real ones hang behind any auth while a path gets its first HLS
 * viewer.) A restart forgets the clients of the process that ended.
 */
import { Effect, Semaphore } from "effect"
import { type AuthQuestion, type Client, questionsOf, setupQuestionOf } from "./AuthQuestion.ts"
import { familyOf } from "./families.ts"
import type { SimulatorState } from "./SimulatorState.ts"
import type { VersionFacts } from "./versions.ts"
import * as World from "./World.ts"

/** Whether the client is let in. A failure of the auth server has to be a `false`: MediaMTX takes it for one. */
export type Authenticate = (question: AuthQuestion) => Effect.Effect<boolean>

/** Of one process. */
interface Queue {
  readonly turn: Semaphore.Semaphore
  /** Which start of the server. */
  readonly of: number
  /** How many of their clients are asked about. */
  readonly asking: { rtsp: number; hls: number }
}

const hangsOf = ({ protocol }: Client): keyof Queue["asking"] | null => {
  const family = familyOf(protocol)
  return family === "rtsp" || family === "hls" ? family : null
}

/** The question that let it in; `null` when none did. */
const askAbout = Effect.fnUntraced(function* (client: Client, facts: VersionFacts, answerTo: Authenticate) {
  for (const question of questionsOf(client, facts)) {
    if (!(yield* answerTo(question))) continue
    const setup = setupQuestionOf(client, question, facts)
    return setup === null || (yield* answerTo(setup)) ? (setup ?? question) : null
  }
  return null
})

export const makeAuthQueue = (
  state: SimulatorState,
  initial: Authenticate,
  hangs: { readonly rtsp: boolean; readonly hls: boolean }
) => {
  const { change, until, peek } = state
  const { facts, authTimeout } = peek().options
  let authenticate = initial
  const newQueue = (): Queue => ({ turn: Semaphore.makeUnsafe(1), of: peek().starts, asking: { rtsp: 0, hls: 0 } })
  let queue = newQueue()

  const answerTo: Authenticate = (question) => {
    const asked = Effect.suspend(() => authenticate(question))
    const inTime = Effect.timeoutOrElse(asked, { duration: authTimeout, orElse: () => Effect.succeed(false) })
    return Effect.catchDefect(facts.authTimeout ? inTime : asked, () => Effect.succeed(false))
  }

  const orUntilItEnds = <A>(mine: Queue, effect: Effect.Effect<A>, otherwise: A): Effect.Effect<A> =>
    Effect.raceFirst(
      effect,
      Effect.as(
        until(({ up, starts }) => (up && starts === mine.of ? undefined : true)),
        otherwise
      )
    )
  const inTurn = <A>(effect: Effect.Effect<A>, otherwise: A): Effect.Effect<A> =>
    Effect.suspend(() => orUntilItEnds(queue, queue.turn.withPermit(effect), otherwise))

  const answersWhen = (isFree: () => boolean) =>
    Effect.suspend(() => Effect.asVoid(until(() => (isFree() ? true : undefined))))

  return {
    authenticateWith: (next: Authenticate) =>
      Effect.sync(() => {
        authenticate = next
      }),
    /** A client that went away while it waits for its turn is asked about all the same; a process that ended asks no more. */
    ask: (connection: string, client: Client) =>
      Effect.suspend(() => {
        const mine = queue
        const hanging = hangsOf(client)
        if (hanging !== null) mine.asking[hanging] += 1
        return inTurn(askAbout(client, facts, answerTo), null).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              if (hanging !== null) mine.asking[hanging] -= 1
            })
          ),
          Effect.tap((allowed) => {
            const by = allowed === null ? undefined : { user: allowed.user, id: allowed.id ?? connection }
            return change((now, at) => (mine === queue ? World.answer(now, at, connection, allowed !== null, by) : now))
          }),
          Effect.tap(() => Effect.sync(state.wake))
        )
      }),
    preflight: Effect.fnUntraced(function* ({ path, token = "" }: { readonly path: string; readonly token?: string }) {
      const [asked] = questionsOf({ id: "", action: "publish", protocol: "webrtc", path, token }, facts)
      const question: AuthQuestion = { ...asked!, id: null }
      yield* inTurn(Effect.asVoid(answerTo(question)), undefined)
      return question
    }),
    pathsAnswer: inTurn(Effect.void, undefined),
    rtspAnswers: answersWhen(() => queue.asking.rtsp === 0 || !hangs.rtsp),
    hlsAnswers: answersWhen(() => queue.asking.hls === 0 || !hangs.hls),
    /** The server was started: another process, unless it ran already. */
    started: () => {
      if (queue.of !== peek().starts) queue = newQueue()
    }
  }
}

export type AuthQueue = ReturnType<typeof makeAuthQueue>
