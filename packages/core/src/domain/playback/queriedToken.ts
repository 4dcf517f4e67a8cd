/** Where the query of a viewer's URL has its token and its token's id: read in auth calls and in the lists of the media server. */

const jwtLike = /^[0-9A-Za-z_-]{2,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*$/

/** Three parts in base64url between dots, or what is meant to be that: `none` has an empty third one. */
export const isTokenLike = (text: string | undefined | null): text is string =>
  text !== undefined && text !== null && jwtLike.test(text)

/** What a query has in the place of a token: `token`, or `jwt`, in which up to MediaMTX 1.12.2 a WHEP bearer stands. */
export const queriedToken = (query: URLSearchParams): string | null => query.get("token") ?? query.get("jwt")

/** `v`: the id of the token whose session it is. */
export const queriedName = (query: URLSearchParams): string => query.get("v") ?? ""
