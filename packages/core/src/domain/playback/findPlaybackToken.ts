/**
 * The playback token of a viewer's auth call, wherever its player has put it: the password (SRT, Basic of HLS, WHEP and RTSP), a bearer (HLS, WHEP), or
 * the query (HLS, RTMP, RTSP, recordings). MediaMTX copies the password, and the `token` of an RTMP or RTSP query, into `token`.
 */
import { Redacted } from "effect"
import type { AuthCall } from "../access/AuthRequest.ts"
import type { TokenText } from "./PlaybackToken.ts"

export interface PresentedToken {
  readonly text: TokenText
  /** Whose the client says the session is: the user name, and `v` of the query. Each has to be the token's own id. */
  readonly names: ReadonlyArray<string>
  /** It came in a header alone: neither the user name nor the query shows it, so `v` has to. */
  readonly isHidden: boolean
}

/** Three parts in base64url between dots, or what is meant to be that: `none` has an empty third one. */
const jwtLike = /^[0-9A-Za-z_-]{2,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*$/

const isTokenLike = (text: string | undefined | null): text is string =>
  text !== undefined && text !== null && jwtLike.test(text)

const textOf = (secret: Redacted.Redacted<string> | undefined): string =>
  secret === undefined ? "" : Redacted.value(secret)

/** Up to MediaMTX 1.12.2 a WHEP bearer stands in the query as `jwt`. */
const inQuery = (query: URLSearchParams): string | null => query.get("token") ?? query.get("jwt")

/** `null`: nothing that looks like a token was sent. Nothing but a token is ever taken for one: stream keys and passwords are not. */
export const findPlaybackToken = (call: AuthCall): PresentedToken | null => {
  const password = textOf(call.password)
  const bearer = textOf(call.token)
  const query = textOf(call.query)
  if (!isTokenLike(password) && !isTokenLike(bearer) && !query.includes(".")) return null
  const parameters = new URLSearchParams(query)
  const queried = inQuery(parameters)
  const text = [password, bearer, queried].find(isTokenLike)
  if (text === undefined) return null
  const user = textOf(call.user)
  const names = [user, parameters.get("v") ?? ""].filter((name) => name !== "")
  return { text: Redacted.make(text), names, isHidden: text !== password && text !== queried }
}
