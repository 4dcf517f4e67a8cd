/** The service in a process of its own, with its own PostgreSQL, that can be killed and started again on the same data. */
import * as path from "node:path"
import { Effect, type Scope } from "effect"
import { type Api, makeApi } from "./Api.ts"
import { freePorts, processesWith, temporaryFolder, until } from "./processes.ts"
import { type Service, startService } from "./service.ts"

/** A line of the service's log, of those that are read here: the answers of `/auth`. */
export interface LogLine {
  readonly message: string
  readonly route?: string
  readonly status?: number
  readonly duration_ms?: number
  readonly action?: string
  readonly decision?: "allow" | "refuse"
  readonly reason?: string | null
  readonly path?: string
  readonly protocol?: string
  readonly source_id?: string
  readonly stream_key_id?: string | null
}

export interface RunningService {
  readonly api: Api
  readonly port: number
  readonly pid: () => number
  /** Its `DATA_DIR`. */
  readonly directory: string
  /** Where its database's data and socket are, its own or one that it shares. */
  readonly databaseDirectory: string
  /** All that it printed, all its lives together. */
  readonly printed: () => string
  /** The lines of its log, all its lives together. */
  readonly lines: () => ReadonlyArray<LogLine>
  /** With SIGKILL; returns when it is dead. */
  readonly kill: Effect.Effect<void>
  /** Returns when it is ready. */
  readonly start: Effect.Effect<void>
  /** More variables, or others, from its next start on. */
  readonly set: (more: Readonly<Record<string, string>>) => Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

export const API_SECRET = "the-operator-secret-of-the-scenarios"
export const HOOK_SECRET = "the-hook-secret-of-the-scenarios"

const STOP_WITHIN_MS = 15_000

/** Where MediaMTX asks, with the hook secret as it is written into `authHTTPAddress`. */
export const authAddress = (port: number) => `http://mediamtx:${HOOK_SECRET}@127.0.0.1:${port}/auth`

/** Not started yet: a media server may have to know the port first. Ends with its scope, and its data and children with it. */
export const prepareService = Effect.fnUntraced(function* (
  environment: (directory: string) => Readonly<Record<string, string>>,
  databaseDirectory?: string,
  through: ReadonlyArray<string> = []
): Effect.fn.Return<RunningService, never, Scope.Scope> {
  const directory = path.join(yield* temporaryFolder, "data")
  const [port] = yield* Effect.promise(() => freePorts(1))
  const lives: Array<{ readonly service: Service; read: number }> = []
  const lines: Array<LogLine> = []
  const current = () => lives.at(-1)?.service
  const others: Record<string, string> = {}
  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      current()?.child.kill(name)
    })

  const start = Effect.promise(async () => {
    const service = startService(
      {
        DATA_DIR: directory,
        API_PORT: String(port),
        API_SECRET,
        HOOK_SECRET,
        LOG_LEVEL: "trace",
        ...environment(directory),
        ...others
      },
      ["serve"],
      through
    )
    lives.push({ service, read: 0 })
    await service.ready
  })
  const endedWithin = (service: Service, millis: number) =>
    Promise.race([
      service.ended.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), millis).unref())
    ])
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      const service = current()
      if (service === undefined) return
      service.child.kill("SIGCONT")
      service.child.kill("SIGTERM")
      if (await endedWithin(service, STOP_WITHIN_MS)) return
      service.child.kill("SIGKILL")
      await service.ended
    }).pipe(Effect.andThen(until("nothing of it is left", () => processesWith(directory).length === 0, STOP_WITHIN_MS)))
  )

  const readOn = (life: (typeof lives)[number]) => {
    const fresh = life.service.err().slice(life.read)
    const whole = fresh.lastIndexOf("\n") + 1
    life.read += whole
    for (const line of fresh.slice(0, whole).split("\n")) {
      if (line.startsWith("{")) lines.push(JSON.parse(line))
    }
  }

  return {
    api: makeApi({ base: `http://127.0.0.1:${port}`, secret: API_SECRET }),
    port: port!,
    pid: () => current()?.child.pid ?? 0,
    directory,
    databaseDirectory: databaseDirectory ?? path.join(directory, "postgres"),
    printed: () => lives.map(({ service }) => service.out() + service.err()).join("\n"),
    lines: () => {
      for (const life of lives) readOn(life)
      return lines
    },
    kill: Effect.promise(async () => {
      current()?.child.kill("SIGKILL")
      await current()?.ended
    }),
    start,
    set: (more) => Effect.sync(() => void Object.assign(others, more)),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT")
  }
})
