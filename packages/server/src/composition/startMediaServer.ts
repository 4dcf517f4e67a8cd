/**
 * Finds a media server, starts it and binds the port to it; all in the background, because a download takes its time and the service is
 * useful before. The outcome is a sentence for people.
 */
import * as path from "node:path"
import { EmbeddedMediaMtx, MediaMtxBinary } from "@greenroom/launcher"
import { Effect, Option, type Redacted, Schedule } from "effect"
import { Settings } from "../config/Settings.ts"
import { Deployment } from "./AppLayer.ts"
import { LateBoundMediaServer } from "./LateBoundMediaServer.ts"

const originOf: { readonly [O in MediaMtxBinary.MediaMtxBinary["origin"]]: string } = {
  MEDIAMTX_BIN: "named by MEDIAMTX_BIN",
  PATH: "found on the PATH",
  downloaded: "downloaded and checked against the release's checksums",
  cache: "downloaded earlier"
}

const UP_WITHIN = "1 second"

/** Whether it comes up at once; either way it is started again for as long as the service runs. */
const comesUp = (child: EmbeddedMediaMtx.EmbeddedMediaMtx["Service"]) =>
  child.running.pipe(
    Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: (running) => running }),
    Effect.timeoutOption(UP_WITHIN),
    Effect.map(Option.isSome)
  )

/** `null` when it may yet come up. */
export interface MediaServerStart {
  readonly runs: boolean | null
  /** Where it runs from; or why there is none and how to get one. */
  readonly sentence: string
}

/** `auth`: where the media server calls us, from this machine. */
export const startMediaServer = Effect.fn("startMediaServer")(function* (auth: {
  readonly host: string
  readonly port: number
  readonly secret: Redacted.Redacted<string>
}) {
  const slot = yield* LateBoundMediaServer
  const settings = yield* Settings
  const deployment = yield* Deployment
  const directory = path.join(deployment.dataDirectory, "mediamtx")
  const begun = Effect.gen(function* () {
    const binary = yield* MediaMtxBinary.find({ bin: settings.MEDIAMTX_BIN, directory })
    const child = yield* EmbeddedMediaMtx.make({
      binary,
      directory,
      auth,
      host: deployment.host,
      ...(settings.MEDIAMTX_PORTS === undefined ? {} : { ports: settings.MEDIAMTX_PORTS })
    })
    const up = yield* comesUp(child)
    yield* slot.bind({
      apiUrl: child.apiUrl,
      user: "greenroom",
      password: deployment.apiSecret
    })
    const failed = (yield* child.lastExit) !== null
    const what = `MediaMTX ${binary.version ?? "of unknown version"}, ${binary.path}, ${originOf[binary.origin]}`
    const start: MediaServerStart = up
      ? { runs: true, sentence: what }
      : { runs: null, sentence: `${failed ? "does not start (see the log)" : "is starting"}: ${what}` }
    return start
  })
  return yield* begun.pipe(
    Effect.catchTag("MediaMtxUnavailable", ({ message }) => {
      const start: MediaServerStart = { runs: false, sentence: message }
      return Effect.as(Effect.andThen(slot.markAbsent, Effect.logWarning(message)), start)
    })
  )
})
