/**
 * The playback token of a viewer's auth call, wherever its player has put it: the password (SRT, Basic of HLS, WHEP and RTSP), a bearer (HLS, WHEP), or
 * the query (HLS, RTMP, RTSP, recordings). MediaMTX copies the password, and the `token` of an RTMP or RTSP query, into `token`.
 */
import { Redacted, Schema } from "effect"
import type { AuthCall } from "../access/AuthRequest.ts"
import { PlaybackTokenId, type TokenText } from "./PlaybackToken.ts"
import { isTokenLike, queriedName, queriedToken } from "./queriedToken.ts"

export interface PresentedToken {
  readonly text: TokenText
  /** Whose the session is by its client: the user name, and `v` of the query. Each has to be the token's own id. */
  readonly names: ReadonlyArray<string>
  /** The query does not show it, so the user name or `v` has to name it. */
  readonly isHidden: boolean
}

const textOf = (secret: Redacted.Redacted<string> | undefined): string =>
  secret === undefined ? "" : Redacted.value(secret)

/** `null`: nothing that looks like a token was sent. Nothing but a token is ever taken for one: stream keys and passwords are not. */
export const findPlaybackToken = (call: AuthCall): PresentedToken | null => {
  const password = textOf(call.password)
  const bearer = textOf(call.token)
  const query = textOf(call.query)
  if (!isTokenLike(password) && !isTokenLike(bearer) && !query.includes(".")) return null
  const parameters = new URLSearchParams(query)
  const queried = queriedToken(parameters)
  const text = [password, bearer, queried].find(isTokenLike)
  if (text === undefined) return null
  const user = textOf(call.user)
  const names = [user, queriedName(parameters)].filter((name) => name !== "")
  return { text: Redacted.make(text), names, isHidden: text !== queried }
}

const isTokenId = Schema.is(PlaybackTokenId)

/** Names in the form of a token's id, whether or not there is a token. */
export const claimedNames = (call: AuthCall): ReadonlyArray<string> => {
  const query = textOf(call.query)
  const queried = query === "" ? "" : queriedName(new URLSearchParams(query))
  return [textOf(call.user), queried].filter(isTokenId)
}
