/** Whose directory it is when its owner is gone, frozen, or just ending. */
import * as net from "node:net"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../../verification/worlds/processes.ts"
import { own } from "../src/DirectoryLock.ts"

/** Listens in the owner's place until the scope closes; `onPeer` is told of each who asks. */
const ownerThat = (directory: string, onPeer: (peer: net.Socket, server: net.Server) => void) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((peer) =>
        onPeer(
          peer.on("error", () => {}),
          server
        )
      )
      server.listen(path.join(directory, "owner.sock"), () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

describe("an owner", { concurrent: true }, () => {
  it.live("that hangs up without a word is ending: whoever asks waits for it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      let asked = 0
      yield* ownerThat(directory, (peer, server) => {
        asked++
        peer.destroy()
        if (asked === 3) server.close()
      })
      yield* own(directory, directory)
      assert.strictEqual(asked, 3)
    })
  )

  it.live("that listens and says nothing is frozen, which is alive", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      const peers: Array<net.Socket> = []
      yield* ownerThat(directory, (peer) => peers.push(peer))
      const refused = yield* Effect.flip(own(directory, directory))
      for (const peer of peers) peer.destroy()
      assert.strictEqual(refused.reason, "in-use")
      assert.include(refused.message, "another process owns it")
    })
  )

  it.live("that says who it is is named", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      yield* own(directory, directory)
      const refused = yield* Effect.flip(own(directory, directory))
      assert.include(refused.message, `process ${process.pid} owns it`)
    })
  )
})
