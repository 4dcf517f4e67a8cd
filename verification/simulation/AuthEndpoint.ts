/**
 * MediaMTX's auth endpoint: it asks about one client at a time, gives up after its `readTimeout` (not so up to 1.16.0), and an RTSP client shows its credentials only when it
 * was refused without. Who is asked stands outside.
 */
import { familyOf, type Protocol, type ViewerProtocol } from "@greenroom/core"
import {
  type AuthQuestion,
  type Client,
  questionsOf,
  setupQuestionOf,
  type VersionFacts
} from "@greenroom/mediamtx-simulator"
import { type AuthQueue, type Hanging, makeAuthQueue } from "./AuthQueue.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import { familyOfViewer } from "./Step.ts"

/** About a publisher, as far as it matters. */
export interface PublishQuestion {
  readonly id: string
  readonly path: string
  readonly protocol: Protocol
  /** `null` when the client brings none. */
  readonly key: string | null
}

/** About a viewer, as MediaMTX asks it. `id`: of its connection, which the question may not have. */
export interface ViewQuestion {
  readonly id: string
  readonly path: string
  readonly view: AuthQuestion
}

export type Question = PublishQuestion | ViewQuestion

export const isView = (question: Question): question is ViewQuestion => "view" in question

/** The question goes to some Greenroom. What it gives back is called when MediaMTX does not wait any longer. */
export type Ask = (question: Question, answer: (allowed: boolean) => void) => () => void

export interface AuthEndpointOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly ask: Ask
  readonly facts: VersionFacts
  /** `null`: it waits for ever. */
  readonly readTimeout: number | null
  /** Runs when the process is awake. */
  readonly awake: (run: () => void) => void
  /** `by`: the question that let it in; `null`: none did. */
  readonly answered: (id: string, by: Question | null) => void
}

/** What is asked about one client, one question after the other until one lets it in. */
interface Asking {
  readonly id: string
  readonly protocol: ViewerProtocol
  readonly questions: ReadonlyArray<Question>
  /** What is asked once more then. */
  readonly more: (by: Question) => Question | null
}

const aboutPublisher = (question: PublishQuestion): Asking => ({
  id: question.id,
  protocol: question.protocol,
  questions:
    familyOf(question.protocol) === "rtsp" && question.key !== null
      ? [{ ...question, key: null }, question]
      : [question],
  more: () => null
})

const aboutViewer = (client: Client, facts: VersionFacts): Asking => {
  const { id, path, protocol } = client
  const of = (view: AuthQuestion): ViewQuestion => ({ id, path, view })
  return {
    id,
    protocol,
    questions: questionsOf(client, facts).map(of),
    more: (by) => {
      const setup = isView(by) ? setupQuestionOf(client, by.view, facts) : null
      return setup === null ? null : of(setup)
    }
  }
}

const hangingOf = (protocol: ViewerProtocol): Hanging | null => {
  const family = familyOfViewer(protocol)
  return family === "rtsp" || family === "hls" ? family : null
}

export const makeAuthEndpoint = ({ kernel, counts, ask, facts, readTimeout, awake, answered }: AuthEndpointOptions) => {
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

  const authenticate = ({ id, protocol, questions, more }: Asking) => {
    const mine = queue
    const hanging = hangingOf(protocol)
    waiting.add(id)
    if (hanging !== null) mine.begins(hanging)
    mine.enter((leave) => {
      const end = (by: Question | null) => {
        if (hanging !== null) mine.ends(hanging)
        waiting.delete(id)
        answered(id, by)
        leave()
      }
      const asked = (question: Question, told: (allowed: boolean) => void) =>
        askOne(question, (allowed) =>
          awake(() => {
            if (mine === queue) told(allowed)
          })
        )
      const askNext = (index: number): void =>
        asked(questions[index]!, (allowed) => {
          if (!allowed) return index + 1 < questions.length ? askNext(index + 1) : end(null)
          const by = questions[index]!
          const last = more(by)
          if (last === null) return end(by)
          asked(last, (again) => end(again ? last : null))
        })
      askNext(0)
    })
  }

  return {
    authenticate: (question: PublishQuestion) => authenticate(aboutPublisher(question)),
    authenticateViewer: (client: Client) => authenticate(aboutViewer(client, facts)),
    /** Whether somebody waits to be let in. */
    isAsking: () => waiting.size > 0,
    enter: (run: (leave: () => void) => void) => queue.enter(run),
    whenAnswers: (family: Hanging, run: () => void) => queue.whenAnswers(family, run),
    /** The process has ended: whoever waited is forgotten. */
    reset: () => {
      queue = makeAuthQueue()
      waiting.clear()
      for (const abort of [...open]) abort()
    }
  }
}

export type AuthEndpoint = ReturnType<typeof makeAuthEndpoint>
