/**
 * Asks about clients as MediaMTX does: one at a time, process-wide. While one is asked about, the list of paths waits; while an RTSP client
 * is, calls about RTSP sessions do. A restart forgets the clients of the process that ended.
 */
import { familyOf } from "@greenroom/core"
import { Effect, Semaphore } from "effect"
import { type AuthQuestion, type Client, questionsOf } from "./AuthQuestion.ts"
import type { SimulatorState } from "./SimulatorState.ts"
import * as World from "./World.ts"

/** Whether the client is let in. A failure of the auth server has to be a `false`: MediaMTX takes it for one. */
export type Authenticate = (question: AuthQuestion) => Effect.Effect<boolean>

/** Of one process. */
interface Queue {
  readonly turn: Semaphore.Semaphore
  /** Which start of the server. */
  readonly of: number
  rtsp: number
}

export const makeAuthQueue = (state: SimulatorState, initial: Authenticate, rtspHangs: boolean) => {
  const { change, until, peek } = state
  const { facts, authTimeout } = peek().options
  let authenticate = initial
  const newQueue = (): Queue => ({ turn: Semaphore.makeUnsafe(1), of: peek().starts, rtsp: 0 })
  let queue = newQueue()

  const answerTo = (question: AuthQuestion) => {
    const asked = Effect.suspend(() => authenticate(question))
    const inTime = Effect.timeoutOrElse(asked, { duration: authTimeout, orElse: () => Effect.succeed(false) })
    return Effect.catchDefect(facts.authTimeout ? inTime : asked, () => Effect.succeed(false))
  }

  const decided = Effect.fnUntraced(function* (client: Client) {
    for (const question of questionsOf(client, facts)) {
      const allowed = yield* answerTo(question)
      if (allowed) return true
    }
    return false
  })

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

  return {
    authenticateWith: (next: Authenticate) =>
      Effect.sync(() => {
        authenticate = next
      }),
    /** A client that went away while it waits for its turn is asked about all the same; a process that ended asks no more. */
    ask: (connection: string, client: Client) =>
      Effect.suspend(() => {
        const mine = queue
        const rtsp = familyOf(client.protocol) === "rtsp" ? 1 : 0
        mine.rtsp += rtsp
        return inTurn(decided(client), false).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              mine.rtsp -= rtsp
            })
          ),
          Effect.tap((allowed) =>
            change((now, at) => (mine === queue ? World.answer(now, at, connection, allowed) : now))
          ),
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
    rtspAnswers: Effect.suspend(() => Effect.asVoid(until(() => (queue.rtsp === 0 || !rtspHangs ? true : undefined)))),
    /** The server was started: another process, unless it ran already. */
    started: () => {
      if (queue.of !== peek().starts) queue = newQueue()
    }
  }
}

export type AuthQueue = ReturnType<typeof makeAuthQueue>
