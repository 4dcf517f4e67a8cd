/**
 * One process owns a data directory at a time. The owner listens on a Unix socket in it and answers with its pid: unlike a pid
 * file, a listening socket dies with its process, whatever kills that, and a stale one is told from a living one by asking.
 * A socket's name may be no longer than about a hundred bytes, so a deeper directory is reached by a short symbolic link.
 */
import * as fs from "node:fs/promises"
import * as net from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { Data, Effect, type Scope } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"

/** `sun_path` less its terminating zero: 107 bytes on Linux, 103 on macOS. */
const socketPathBytes = process.platform === "linux" ? 107 : 103
/** The longer of the names of the two sockets in the directory. */
const longestName = "socket/.s.PGSQL.5432"
/** A listening owner that says nothing for this long is frozen, which is alive. */
const answerMillis = 1000
const pauseMillis = 30
const turnMillis = 5000

const fits = (directory: string) => Buffer.byteLength(path.join(directory, longestName)) <= socketPathBytes

/** The directory itself, or a link to it whose path is short enough for sockets; the link goes when the scope closes. */
export const shortPath = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<string, EmbeddedPostgresFailed, Scope.Scope> {
  if (fits(directory)) return directory
  const fail = (detail: string) => new EmbeddedPostgresFailed({ reason: "socket-path", directory, detail })
  const holder = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => fs.mkdtemp(path.join(tmpdir(), "greenroom-")),
      catch: (error) => fail(`the path is too long for a socket, and no short link to it can be made: ${error}`)
    }),
    (holder) => Effect.promise(() => fs.rm(holder, { recursive: true, force: true }).catch(() => {}))
  )
  const link = path.join(holder, "d")
  if (!fits(link)) {
    return yield* fail(`the path is longer than the ${socketPathBytes} bytes of a socket's, and so is ${link}`)
  }
  yield* Effect.tryPromise({
    try: async () => {
      await fs.symlink(directory, link)
      await fs.chmod(holder, 0o711)
    },
    catch: (error) => fail(String(error))
  })
  return link
})

class ListenFailed extends Data.TaggedError("ListenFailed")<{ readonly code: string; readonly detail: string }> {}

const listen = (socket: string) =>
  Effect.callback<net.Server, ListenFailed>((resume) => {
    const server = net.createServer((peer) => {
      peer.on("error", () => {})
      peer.end(String(process.pid))
    })
    server.once("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenFailed({ code: error.code ?? "", detail: error.message })))
    )
    server.listen(socket, () => resume(Effect.succeed(server.unref())))
  })

type Owner =
  | { readonly _tag: "Nobody" }
  /** `pid` is `null` when it listens and does not say so: it is frozen. */
  | { readonly _tag: "Somebody"; readonly pid: string | null }
  /** It hung up without a word: it is ending just now. */
  | { readonly _tag: "Ending" }

/** Who listens there. */
const ownerOf = (socket: string) =>
  Effect.callback<Owner>((resume) => {
    let said = ""
    const peer = net.connect(socket).setEncoding("utf8").setTimeout(answerMillis)
    const answer = (owner: Owner) => {
      peer.destroy()
      resume(Effect.succeed(owner))
    }
    peer.on("data", (chunk) => {
      said = (said + chunk).slice(0, 20)
    })
    peer.once("end", () => answer(/^\d+$/.test(said) ? { _tag: "Somebody", pid: said } : { _tag: "Ending" }))
    peer.once("timeout", () => answer({ _tag: "Somebody", pid: null }))
    peer.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED" || code === "ENOENT") answer({ _tag: "Nobody" })
      else answer(code === "ECONNRESET" || code === "EPIPE" ? { _tag: "Ending" } : { _tag: "Somebody", pid: null })
    })
  })

/**
 * Removes a socket that nobody answers on. Only one process at a time does, and it asks again once it is the one: a socket cannot
 * come to life while its name is taken, so what is removed is dead. (A moment passes first, for who has bound and does not
 * listen yet.) The turn is a folder, which is broken when whoever had it was killed in just that moment.
 */
const removeStale = (short: string, socket: string) => {
  const turn = path.join(short, "owner.turn")
  const removeTurn = () => fs.rmdir(turn).catch(() => {})
  const take = Effect.promise(() =>
    fs.mkdir(turn).then(
      () => true,
      () => false
    )
  )
  const wait = Effect.promise(async () => {
    const since = await fs.stat(turn).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now()
    )
    if (Date.now() - since > turnMillis) await removeTurn()
  }).pipe(Effect.andThen(Effect.sleep(pauseMillis)))
  const remove = Effect.sleep(pauseMillis).pipe(
    Effect.andThen(ownerOf(socket)),
    Effect.andThen((owner) =>
      owner._tag === "Nobody" ? Effect.promise(() => fs.rm(socket, { force: true }).catch(() => {})) : Effect.void
    )
  )
  return Effect.acquireUseRelease(
    take,
    (mine) => (mine ? remove : wait),
    (mine) => (mine ? Effect.promise(removeTurn) : Effect.void)
  )
}

/** Owns the directory until the scope closes. `short` is the path to it that `shortPath` gave. */
export const own = Effect.fnUntraced(function* (
  directory: string,
  short: string
): Effect.fn.Return<void, EmbeddedPostgresFailed, Scope.Scope> {
  const socket = path.join(short, "owner.sock")
  const inUse = (pid: string | null) =>
    new EmbeddedPostgresFailed({
      reason: "in-use",
      directory,
      detail: `${pid === null ? "another process" : `process ${pid}`} owns it. Stop that one first, or give this one a directory of its own (DATA_DIR)`
    })
  const claim: Effect.Effect<net.Server, EmbeddedPostgresFailed> = listen(socket).pipe(
    Effect.catchTag(
      "ListenFailed",
      Effect.fnUntraced(function* (failed) {
        if (failed.code !== "EADDRINUSE") {
          return yield* new EmbeddedPostgresFailed({ reason: "unreachable", directory, detail: failed.detail })
        }
        const owner = yield* ownerOf(socket)
        if (owner._tag === "Somebody") return yield* inUse(owner.pid)
        yield* owner._tag === "Nobody" ? removeStale(short, socket) : Effect.sleep(pauseMillis)
        return yield* claim
      })
    )
  )
  const soon = Effect.timeoutOrElse(claim, {
    duration: "15 seconds",
    orElse: () => new EmbeddedPostgresFailed({ reason: "in-use", directory, detail: `${socket} cannot be had` })
  })
  yield* Effect.acquireRelease(soon, (server) => Effect.sync(() => server.close()))
})
