/**
 * What a viewer's auth call shows of who it is: above all the playback token, wherever its player has put it: the password (SRT, Basic of HLS, WHEP and RTSP), a bearer (HLS, WHEP), or
 * the query (HLS, RTMP, RTSP, recordings). MediaMTX copies the password, and the `token` of an RTMP or RTSP query, into `token`.
 */
import { Redacted } from "effect"
import type { AuthCall } from "../access/AuthRequest.ts"
import type { TokenText } from "./PlaybackToken.ts"
import { isTokenLike, queriedName, queriedToken } from "./queriedToken.ts"

export interface PresentedToken {
  readonly text: TokenText
  /** The query does not show it, so the user name or `v` has to name it. */
  readonly isHidden: boolean
}

const textOf = (secret: Redacted.Redacted<string> | undefined): string =>
  secret === undefined ? "" : Redacted.value(secret)

/** What a viewer shows of itself. */
export interface ViewerCredentials {
  /** `null`: nothing that looks like a token was sent. Nothing but a token is ever taken for one: stream keys and passwords are not. */
  readonly token: PresentedToken | null
  /** Whose the session is by its client: the user name, and `v` of the query. Lists show them. */
  readonly names: ReadonlyArray<string>
  /** It names itself a worker (`worker` in the query), which is looked into where its session is listed. */
  readonly claimsWorker: boolean
}

const noParameters = new URLSearchParams()

export const readViewerCredentials = (call: AuthCall): ViewerCredentials => {
  const query = textOf(call.query)
  const parameters = query === "" ? noParameters : new URLSearchParams(query)
  const queried = queriedToken(parameters)
  const text = [textOf(call.password), textOf(call.token), queried].find(isTokenLike)
  return {
    token: text === undefined ? null : { text: Redacted.make(text), isHidden: text !== queried },
    names: [textOf(call.user), queriedName(parameters)].filter((name) => name !== ""),
    claimsWorker: parameters.has("worker")
  }
}
