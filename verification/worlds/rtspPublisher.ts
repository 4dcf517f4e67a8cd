/** A publisher and a reader over RTSP for tests without Effect: ready at once, and cheap. */
import { Effect, Exit, Scope } from "effect"
import { rtspClient } from "./rtspClient.ts"

const connect = async (port: number, path: string, query = "") => {
  const scope = Scope.makeUnsafe()
  const client = await Effect.runPromise(
    Effect.provideService(rtspClient(`rtsp://127.0.0.1:${port}/${path}`, query), Scope.Scope, scope)
  )
  const must = async (what: string, step: Effect.Effect<boolean>) => {
    if (!(await Effect.runPromise(step))) throw new Error(`${what} ${path} was refused`)
  }
  const close = () => Effect.runPromise(Effect.andThen(Scope.close(scope, Exit.void), client.ended))
  return { client, must, close }
}

/** Publishes until it is closed. */
export const publish = async (port: number, path: string, query = "") => {
  const { client, must, close } = await connect(port, path, query)
  await must("ANNOUNCE", client.announce)
  await must(
    "RECORD",
    Effect.map(client.record, (status) => status === 200)
  )
  return { closed: client.hasEnded, send: client.sendPacket, close }
}

/** Reads until it is closed; `media` counts the bytes that came. */
export const read = async (port: number, path: string) => {
  const { client, must, close } = await connect(port, path)
  await must("PLAY", client.play)
  return { media: client.received, close }
}
