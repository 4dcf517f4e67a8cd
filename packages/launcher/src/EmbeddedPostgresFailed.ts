/** Why the private PostgreSQL cannot run. The message is written for the operator. */
import { Schema } from "effect"

export class EmbeddedPostgresFailed extends Schema.TaggedError<EmbeddedPostgresFailed>()("EmbeddedPostgresFailed", {
  /**
   * `in-use`: another running process owns the directory. `unreachable`: the server's user cannot enter or write it.
   * `socket-path`: no path to it is short enough for a Unix socket. `unsupported-platform`: no binaries are installed for it.
   * `binaries`: the installed ones do not run. `initdb`, `start`: the program's own message. `orphan`: an earlier server does not stop.
   */
  reason: Schema.Literals([
    "in-use",
    "unreachable",
    "socket-path",
    "unsupported-platform",
    "binaries",
    "initdb",
    "start",
    "orphan"
  ]),
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `embedded PostgreSQL in ${this.directory}: ${this.detail}`
  }
}
