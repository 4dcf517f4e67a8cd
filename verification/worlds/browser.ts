/**
 * A headless Chromium on a page of ours on the loopback: the page reports what becomes of it, and learns when its user stops. A browser
 * for each encoder, so that one can be killed.
 */
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { Deferred, Effect, type Scope } from "effect"
import type { Target } from "./Target.ts"
import type { Encoder } from "./TestDeployment.ts"

const isExecutable = (file: string) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const browserBinary = (process.env.PATH ?? "")
  .split(path.delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => path.join(folder, name)))
  .find(isExecutable)

const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection"
]

const SHOWN_MAX = 4_000

/** For a page's script: `over(why)` ends the encoder, `report(text)` does not, `settings` are the page's own, `stopped` resolves when its user stops. */
const prelude = `
const over = (why) => fetch("/over", { method: "POST", body: String(why) })
const report = (text) => fetch("/report", { method: "POST", body: String(text) })
const settings = await (await fetch("/settings")).json()
const stopped = fetch("/stopped").then((response) => response.text())
const media = () =>
  navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180, frameRate: 10 }, audio: true })`

const pageOf = (script: string) => `<!doctype html><script type="module">${prelude}
try {${script}
} catch (error) {
  over(error)
}
</script>`

export interface BrowserPage {
  readonly protocol: Target["protocol"]
  /** Statements of a module. */
  readonly script: string
  readonly settings: unknown
  /** More that the page loads, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** What the page calls `report` with. */
  readonly reported?: (text: string) => void
}

interface PageEvents {
  readonly over: (why: string) => void
  readonly stopped: Promise<void>
}

const bodyOf = async (request: Http.IncomingMessage) => {
  let body = ""
  for await (const chunk of request) body = (body + String(chunk)).slice(0, SHOWN_MAX)
  return body
}

const servePage = ({ script, settings, files = {}, reported = () => {} }: BrowserPage, { over, stopped }: PageEvents) =>
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const answers: Readonly<Record<string, (request: Http.IncomingMessage) => string | Promise<string>>> = {
        "/": () => pageOf(script),
        "/settings": () => JSON.stringify(settings),
        "/stopped": () => stopped.then(() => ""),
        "/report": async (request) => {
          reported(await bodyOf(request))
          return ""
        },
        "/over": async (request) => {
          over(await bodyOf(request))
          return ""
        }
      }
      const server = Http.createServer(async (request, response) => {
        const url = request.url ?? "/"
        const file = files[url]
        if (file !== undefined) return response.setHeader("content-type", "text/javascript").end(file)
        const body = await (answers[url]?.(request) ?? "")
        response.setHeader("content-type", "text/html").end(body)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** A process group of its own: a browser is many processes, and its death is all of theirs. */
const openBrowser = Effect.fnUntraced(function* (url: string, exited: () => void) {
  const profile = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(path.join(tmpdir(), "greenroom-browser-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  )
  return yield* Effect.acquireRelease(
    Effect.sync(() => {
      const args = [...flags, `--user-data-dir=${profile}`, url]
      const env = { ...process.env, TMPDIR: profile }
      const child = spawn(browserBinary ?? "chromium", args, { stdio: "ignore", detached: true, env })
      child.once("exit", exited)
      return child
    }),
    (child) =>
      Effect.sync(() => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
          process.kill(-child.pid, "SIGKILL")
      })
  )
})

/** Opens the page; its end is what the page calls `over`, or the browser's. */
export const browserPage = Effect.fnUntraced(function* (
  page: BrowserPage
): Effect.fn.Return<Encoder, never, Scope.Scope> {
  const ended = yield* Deferred.make<void>()
  const stop = Promise.withResolvers<void>()
  let shown = ""
  const end = (why: string) => {
    shown ||= why
    Deferred.doneUnsafe(ended, Effect.void)
  }
  const server = yield* servePage(page, { over: end, stopped: stop.promise })
  const { port } = server.address() as AddressInfo
  const browser = yield* openBrowser(`http://127.0.0.1:${port}/`, () => end(""))
  return {
    protocol: page.protocol,
    ended: Deferred.await(ended),
    hasEnded: () => Deferred.isDoneUnsafe(ended),
    kill: Effect.andThen(
      Effect.sync(() => process.kill(-browser.pid!, "SIGKILL")),
      Deferred.await(ended)
    ),
    stop: Effect.andThen(Effect.sync(stop.resolve), Deferred.await(ended)),
    shown: () => shown
  }
})
