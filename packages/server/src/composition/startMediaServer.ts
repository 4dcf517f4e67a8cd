/**
 * Finds a media server, starts it and puts it into its slot; all in the background, because a download takes its time and the
 * service is useful before. What became of it is told to whoever asks, in a sentence for people.
 */
import * as path from "node:path"
import { EmbeddedMediaMtx, MediaMtxBinary } from "@greenroom/adapters/embedded"
import { Effect, type Redacted } from "effect"
import { Settings } from "../config/Settings.ts"
import { Deployment } from "./Greenroom.ts"
import { MediaServerSlot } from "./MediaServerSlot.ts"

const originOf: { readonly [O in MediaMtxBinary.MediaMtxBinary["origin"]]: string } = {
  MEDIAMTX_BIN: "named by MEDIAMTX_BIN",
  PATH: "found on the PATH",
  downloaded: "downloaded and checked against the release's checksums",
  cache: "downloaded earlier"
}

/** Where it runs from, in a sentence; or why there is none and how to get one. */
export const startMediaServer = Effect.fn("startMediaServer")(function* (
  authPort: number,
  hookSecret: Redacted.Redacted<string>
) {
  const slot = yield* MediaServerSlot
  const settings = yield* Settings
  const deployment = yield* Deployment
  const directory = path.join(deployment.dataDirectory, "mediamtx")
  const begun = Effect.gen(function* () {
    const binary = yield* MediaMtxBinary.find({ bin: settings.MEDIAMTX_BIN, directory })
    const process = yield* EmbeddedMediaMtx.make({
      binary,
      directory,
      auth: { port: authPort, secret: hookSecret },
      host: deployment.host,
      ...(settings.MEDIAMTX_PORTS === undefined ? {} : { ports: settings.MEDIAMTX_PORTS })
    })
    yield* slot.fill({
      apiUrl: process.apiUrl,
      user: settings.MEDIAMTX_API_USER ?? "greenroom",
      password: settings.MEDIAMTX_API_PASSWORD ?? deployment.apiSecret
    })
    return `MediaMTX ${binary.version ?? "(unknown version)"}, ${binary.path}, ${originOf[binary.origin]}`
  })
  return yield* begun.pipe(
    Effect.catchTag("MediaMtxUnavailable", (error) =>
      Effect.as(Effect.logWarning(error.message), error.message)
    )
  )
})
