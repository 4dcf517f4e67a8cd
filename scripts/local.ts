/**
 * `make local`: the pipeline without containers. Greenroom as `npm start` runs it, with its own database, and a MediaMTX of this machine
 * with docker/mediamtx/pipeline.yml on the loopback; workers on. When one of the two ends, so does the other; neither outlives this
 * process, however it ends, nor the process that `ENDS_WITH` names (its parent: make).
 */
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { ChildProcessGroup, MediaMtxBinary } from "@greenroom/launcher"
import { Cause, Effect, Exit, Fiber } from "effect"
import {
  apiPort,
  Cannot,
  developmentKey,
  keyFile,
  mediaMtxPorts,
  orSay,
  until,
  usage,
  writePrivate
} from "./developer.ts"

const checkout = fileURLToPath(new URL("..", import.meta.url))
const inCheckout = (path: string) => resolve(checkout, path)
const dataDirectory = resolve(process.env.DATA_DIR ?? ".greenroom")
const local = (port: number | string) => `127.0.0.1:${port}`

const canListen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 })
    const say = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => say(true))
    socket.once("error", () => say(false))
    socket.once("timeout", () => say(true))
  })

/** Some systems let one listen on the loopback beside another who listens everywhere: hence both questions. */
const isFree = async (port: number): Promise<boolean> => !(await answers(port)) && (await canListen(port))

const checkPorts = async (): Promise<void> => {
  const wanted: ReadonlyArray<readonly [string, number]> = [
    ["Greenroom", Number(apiPort())],
    ...Object.entries(mediaMtxPorts()).map(([name, port]) => [`MediaMTX, ${name.toUpperCase()}`, port] as const)
  ]
  const taken: Array<string> = []
  for (const [name, port] of wanted) if (!(await isFree(port))) taken.push(`${port} (${name})`)
  if (taken.length === 0) return
  throw new Cannot(
    `these ports are in use: ${taken.join(", ")}. Stop what has them (\`ss -ltnp\` or \`lsof -nP -iTCP -sTCP:LISTEN\` names it; \`make down\` stops the containers), or export API_PORT=18080 and MEDIAMTX_PORTS=rtmp=11935,rtsp=18554,api=19997,metrics=19998,playback=19996`
  )
}

const mediaMtx = async (): Promise<string> => {
  const found = MediaMtxBinary.find({ bin: process.env.MEDIAMTX_BIN, directory: resolve(dataDirectory, "mediamtx") })
  const result = await Effect.runPromise(
    Effect.match(found, { onFailure: (error) => new Cannot(`${error.withoutAnother}.`), onSuccess: ({ path }) => path })
  )
  if (typeof result === "string") return result
  throw result
}

const keptSecret = (name: string): string => {
  const file = resolve(dataDirectory, name)
  if (!existsSync(file)) writePrivate(file, `${randomBytes(32).toString("base64url")}\n`)
  return readFileSync(file, "utf8").trim()
}

/** The pipeline's own, with this checkout's script instead of the container's. */
const pipelineConfiguration = (): string => {
  const file = resolve(dataDirectory, "mediamtx", "pipeline.yml")
  const text = readFileSync(inCheckout("docker/mediamtx/pipeline.yml"), "utf8")
  writePrivate(file, text.replaceAll(": /mtx-hook ", ": sh $GREENROOM_MTX_HOOK "))
  return file
}

/** Seconds are enough, but on a machine that does too much else. Who has ended is not waited for. */
const PATIENCE_MS = 120_000

const attempt = <A>(run: () => A | Promise<A>) =>
  Effect.tryPromise({ try: async () => run(), catch: (error) => error as Error })

/** Until the scope closes; its output is ours. `ended` fails when it ends before that. */
const start = Effect.fnUntraced(function* (
  name: string,
  command: readonly [string, ...ReadonlyArray<string>],
  graceSeconds: number,
  environment: Readonly<Record<string, string>>
) {
  const [program, ...args] = command
  const ours = Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))
  const { exited } = yield* ChildProcessGroup.start({
    command: program,
    args,
    cwd: process.cwd(),
    env: { ...Object.fromEntries(ours), ...environment },
    stop: { signal: "TERM", grace: `${graceSeconds} seconds`, last: "KILL" }
  }).pipe(Effect.mapError(({ detail }) => new Cannot(`${name} could not be started: ${detail}`)))
  return {
    ended: Effect.flatMap(exited, (exit) =>
      Effect.fail(
        new Cannot(`${name} has ended (${ChildProcessGroup.describeExit(exit)}): its last lines above say why`)
      )
    )
  }
})

const listening = async (port: number): Promise<void> => {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await answers(port))) {
    if (Date.now() > deadline) throw new Cannot("MediaMTX does not listen: the lines above say why")
    await new Promise((later) => setTimeout(later, 100))
  }
}

/** Make, killed by a signal that it cannot pass on, leaves us to another parent. */
const parentGone = Effect.gen(function* () {
  const parent = Number(process.env.ENDS_WITH)
  if (!(parent > 0)) return yield* Effect.never
  while (process.ppid === parent) yield* Effect.sleep("300 millis")
  return yield* Effect.fail(new Cannot("make has gone, and so does this"))
})

const pipeline = Effect.gen(function* () {
  yield* attempt(checkPorts)
  const binary = yield* attempt(mediaMtx)
  const hookSecret = keptSecret("hook-secret")
  const [api, ports] = [apiPort(), mediaMtxPorts()]
  const began = Date.now()

  const main = inCheckout("packages/server/src/main.ts")
  const greenroom = yield* start("Greenroom", [process.execPath, "--conditions=@greenroom/source", main, "serve"], 35, {
    API_PORT: api,
    HOST: "127.0.0.1",
    DATA_DIR: dataDirectory,
    HOOK_SECRET: hookSecret,
    MEDIAMTX_BIN: "",
    MEDIAMTX_PORTS: "",
    MEDIAMTX_API_URL: `http://${local(ports.api)}`,
    MEDIAMTX_RTSP_URL: `rtsp://${local(ports.rtsp)}`,
    MEDIAMTX_RTMP_URL: `rtmp://${local(ports.rtmp)}`,
    PUBLIC_RTSP_URL: `rtsp://${local(ports.rtsp)}`,
    PUBLIC_RTMP_URL: `rtmp://${local(ports.rtmp)}`,
    WORKERS: process.env.WORKERS || "on"
  })
  const ready = attempt(() => until(`http://${local(api)}/readyz`, PATIENCE_MS, "the lines above say why"))
  yield* Effect.raceFirst(ready, greenroom.ended)

  // The newest is stopped first: MediaMTX's last hooks still find Greenroom.
  const mtx = yield* start("MediaMTX", [binary, pipelineConfiguration()], 10, {
    ...Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [`MTX_${name.toUpperCase()}ADDRESS`, local(port)])
    ),
    MTX_AUTHHTTPADDRESS: `http://mediamtx:${encodeURIComponent(hookSecret)}@${local(api)}/auth`,
    ORCHESTRATOR_URL: `http://${local(api)}`,
    HOOK_SECRET: hookSecret,
    GREENROOM_MTX_HOOK: inCheckout("packages/launcher/hooks/mtx-hook")
  })
  const ended = Effect.raceFirst(greenroom.ended, mtx.ended)
  yield* Effect.raceFirst(
    attempt(() => listening(ports.rtmp)),
    ended
  )

  process.env.GREENROOM_URL = `http://${local(api)}`
  const secret = process.env.API_SECRET ?? readFileSync(resolve(dataDirectory, "api-secret"), "utf8").trim()
  yield* attempt(() => developmentKey(keyFile(), secret))
  console.log(`\nThe pipeline is up after ${((Date.now() - began) / 1000).toFixed(1)} s.${usage(keyFile())}`)
  yield* ended
})

await orSay(async () => {
  const running = Effect.runFork(Effect.scoped(Effect.raceFirst(pipeline, parentGone)))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => running.interruptUnsafe())
  const exit = await Effect.runPromise(Fiber.await(running))
  if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) throw Cause.squash(exit.cause)
})
process.exit()
