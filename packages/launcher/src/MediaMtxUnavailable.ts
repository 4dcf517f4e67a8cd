/** Why no media server can be started here, and what a person can do about it. The service runs on without one. */
import { Schema } from "effect"

/** The release that is downloaded, and that the generated configuration was written for. */
export const mediaMtxVersion = "v1.20.1"

const advice =
  `Install MediaMTX ${mediaMtxVersion} (https://github.com/bluenviron/mediamtx/releases/tag/${mediaMtxVersion}) and put it ` +
  "on the PATH or name it in MEDIAMTX_BIN"

export class MediaMtxUnavailable extends Schema.TaggedError<MediaMtxUnavailable>()("MediaMtxUnavailable", {
  /**
   * `not-executable`: the file is not a program that we may run. `unsupported-platform`: the release has no build for this one.
   * `unreachable`: no connection to the release, or it broke. `timeout`: not downloaded in time. `status`: an answer other than
   * 200. `too-large`, `checksum`, `archive`: what came is not what the release says. `storage`: it cannot be kept here.
   */
  reason: Schema.Literals([
    "not-executable",
    "unsupported-platform",
    "unreachable",
    "timeout",
    "status",
    "too-large",
    "checksum",
    "archive",
    "storage"
  ]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.withoutAnother}, or set MEDIAMTX_API_URL to a media server that runs already.`
  }

  /** The same for who cannot take a media server that runs already; a full stop is to follow. */
  get withoutAnother() {
    return `no media server: ${this.detail}. ${advice}`
  }
}
