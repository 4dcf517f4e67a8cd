/** Why no media server can be started, with advice for the operator. The service runs without one. */
import { Schema } from "effect"

/** The release that is downloaded, and for which the generated configuration is written. */
export const mediaMtxVersion = "v1.20.1"

const advice =
  `Install MediaMTX ${mediaMtxVersion} (https://github.com/bluenviron/mediamtx/releases/tag/${mediaMtxVersion}) and put it ` +
  "on the PATH or name it in MEDIAMTX_BIN"

export class MediaMtxUnavailable extends Schema.TaggedError<MediaMtxUnavailable>()("MediaMtxUnavailable", {
  /**
   * `not-executable`: we may not run the file. `unsupported-platform`: the release has no build for this platform.
   * `unreachable`: the connection failed or broke. `timeout`: the download took too long. `status`: an answer other than 200.
   * `too-large`, `checksum`, `archive`: the download is not the release's file. `storage`: it cannot be written here.
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

  /** The message without the advice to use another media server, and without the final full stop. */
  get withoutAnother() {
    return `no media server: ${this.detail}. ${advice}`
  }
}
