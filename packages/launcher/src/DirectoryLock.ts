/**
 * One process owns a data directory at a time. The owner listens on a Unix socket in it and answers with its pid. Unlike a pid
 * file, a listening socket ends with its process, however that ends, and a connection shows whether a socket is stale. A
 * socket's path has at most about a hundred bytes, so a longer directory gets a short symbolic link.
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
/** A listening owner without an answer for this long is frozen, and still owns the directory. */
const answerMillis = 1000
/** Between two attempts to listen, and between binding a socket and the check that it listens. */
const pauseMillis = 30
/** Older than this, the folder of a removal belongs to a process that was killed: a removal takes about `answerMillis`. */
const removalMillis = 5000
/** The removal of a stale socket, or the end of an owner that is ending, takes a few seconds at most. */
const CLAIM_WITHIN = "15 seconds"

const fits = (directory: string) => Buffer.byteLength(path.join(directory, longestName)) <= socketPathBytes

/** The directory, or a link to it with a path short enough for sockets. The scope's end removes the link. */
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
    return yield* fail(`the path is longer than the ${socketPathBytes} bytes of a socket's path, and so is ${link}`)
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
  | { readonly _tag: "None" }
  /** `pid` is `null` when the owner listens and does not answer: it is frozen. */
  | { readonly _tag: "Alive"; readonly pid: string | null }
  /** It closed the connection without an answer: it is ending. */
  | { readonly _tag: "Ending" }

const ownerOf = (socket: string) =>
  Effect.callback<Owner>((resume) => {
    let received = ""
    const peer = net.connect(socket).setEncoding("utf8").setTimeout(answerMillis)
    const answer = (owner: Owner) => {
      peer.destroy()
      resume(Effect.succeed(owner))
    }
    peer.on("data", (chunk) => {
      received = (received + chunk).slice(0, 20)
    })
    peer.once("end", () => answer(/^\d+$/.test(received) ? { _tag: "Alive", pid: received } : { _tag: "Ending" }))
    peer.once("timeout", () => answer({ _tag: "Alive", pid: null }))
    peer.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED" || code === "ENOENT") answer({ _tag: "None" })
      else answer(code === "ECONNRESET" || code === "EPIPE" ? { _tag: "Ending" } : { _tag: "Alive", pid: null })
    })
  })

/**
 * Removes a socket on which no process answers. Making the folder `owner.turn` locks this: one process at a time removes the
 * socket, after another check. No process can bind the name while it exists, so the socket stays stale. The check comes after a
 * pause, because another process may have bound the socket and not listen yet. A folder that a killed process left is removed
 * after `removalMillis`.
 */
const removeStale = (short: string, socket: string) => {
  const folder = path.join(short, "owner.turn")
  const removeFolder = () => fs.rmdir(folder).catch(() => {})
  const take = Effect.promise(() =>
    fs.mkdir(folder).then(
      () => true,
      () => false
    )
  )
  const wait = Effect.promise(async () => {
    const since = await fs.stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now()
    )
    if (Date.now() - since > removalMillis) await removeFolder()
  }).pipe(Effect.andThen(Effect.sleep(pauseMillis)))
  const remove = Effect.sleep(pauseMillis).pipe(
    Effect.andThen(ownerOf(socket)),
    Effect.andThen((owner) =>
      owner._tag === "None" ? Effect.promise(() => fs.rm(socket, { force: true }).catch(() => {})) : Effect.void
    )
  )
  return Effect.acquireUseRelease(
    take,
    (mine) => (mine ? remove : wait),
    (mine) => (mine ? Effect.promise(removeFolder) : Effect.void)
  )
}

/** Owns the directory until the scope closes. `short` is the path from `shortPath`. */
export const own = Effect.fnUntraced(function* (
  directory: string,
  short: string
): Effect.fn.Return<void, EmbeddedPostgresFailed, Scope.Scope> {
  const socket = path.join(short, "owner.sock")
  const inUse = (pid: string | null) =>
    new EmbeddedPostgresFailed({
      reason: "in-use",
      directory,
      detail: `${pid === null ? "another process" : `process ${pid}`} owns it. Stop that process first, or give this one its own directory (DATA_DIR)`
    })
  const claim: Effect.Effect<net.Server, EmbeddedPostgresFailed> = listen(socket).pipe(
    Effect.catchTag(
      "ListenFailed",
      Effect.fnUntraced(function* (failed) {
        if (failed.code !== "EADDRINUSE") {
          return yield* new EmbeddedPostgresFailed({ reason: "unreachable", directory, detail: failed.detail })
        }
        const owner = yield* ownerOf(socket)
        if (owner._tag === "Alive") return yield* inUse(owner.pid)
        yield* owner._tag === "None" ? removeStale(short, socket) : Effect.sleep(pauseMillis)
        return yield* claim
      })
    )
  )
  const claimInTime = Effect.timeoutOrElse(claim, {
    duration: CLAIM_WITHIN,
    orElse: () =>
      new EmbeddedPostgresFailed({ reason: "in-use", directory, detail: `${socket} could not be claimed in time` })
  })
  yield* Effect.acquireRelease(claimInTime, (server) => Effect.sync(() => server.close()))
})
