/**
 * MediaMTX's auth endpoint: it asks about one client at a time, gives up after its `readTimeout` (not so up to 1.16.0), and an RTSP client shows its credentials only when it
 * was refused without. Who is asked stands outside.
 */
import { familyOf, type Protocol } from "@greenroom/core"
import { type AuthQueue, makeAuthQueue } from "./AuthQueue.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"

export interface Question {
  readonly id: string
  readonly path: string
  readonly protocol: Protocol
  /** `null` when the client brings none. */
  readonly key: string | null
}

/** The question goes to some Greenroom. What it gives back is called when MediaMTX does not wait any longer. */
export type Ask = (question: Question, answer: (allowed: boolean) => void) => () => void

export interface AuthEndpointOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly ask: Ask
  /** `null`: it waits for ever. */
  readonly readTimeout: number | null
  /** Runs when the process is awake. */
  readonly awake: (run: () => void) => void
  readonly answered: (id: string, allowed: boolean) => void
}

const questionsOf = (question: Question): ReadonlyArray<Question> =>
  familyOf(question.protocol) === "rtsp" && question.key !== null ? [{ ...question, key: null }, question] : [question]

export const makeAuthEndpoint = ({ kernel, counts, ask, readTimeout, awake, answered }: AuthEndpointOptions) => {
  let queue: AuthQueue = makeAuthQueue()
  const open = new Set<() => void>()
  const waiting = new Set<string>()

  /** Asks one question; `told` hears of the answer once. */
  const askOne = (question: Question, told: (allowed: boolean) => void) => {
    let over = false
    const end = () => {
      over = true
      deadline?.cancel()
      open.delete(abort)
    }
    const abort = () => {
      end()
      giveUp()
    }
    const deadline =
      readTimeout === null
        ? undefined
        : kernel.after(readTimeout, () => {
            if (over) return
            counts.fault("media server gave an auth up")
            abort()
            told(false)
          })
    open.add(abort)
    const giveUp = ask(question, (allowed) => {
      if (over) return
      end()
      told(allowed)
    })
  }

  return {
    authenticate: (question: Question) => {
      const mine = queue
      const isRtsp = familyOf(question.protocol) === "rtsp"
      const questions = questionsOf(question)
      waiting.add(question.id)
      if (isRtsp) mine.rtspBegins()
      mine.enter((leave) => {
        const askNext = (index: number) =>
          askOne(questions[index]!, (allowed) =>
            awake(() => {
              if (mine !== queue) return
              if (!allowed && index + 1 < questions.length) return askNext(index + 1)
              if (isRtsp) mine.rtspEnds()
              waiting.delete(question.id)
              answered(question.id, allowed)
              leave()
            })
          )
        askNext(0)
      })
    },
    /** Whether somebody waits to be let in. */
    isAsking: () => waiting.size > 0,
    enter: (run: (leave: () => void) => void) => queue.enter(run),
    whenRtspAnswers: (run: () => void) => queue.whenRtspAnswers(run),
    /** The process has ended: whoever waited is forgotten. */
    reset: () => {
      queue = makeAuthQueue()
      waiting.clear()
      for (const abort of [...open]) abort()
    }
  }
}

export type AuthEndpoint = ReturnType<typeof makeAuthEndpoint>
