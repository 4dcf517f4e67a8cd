/** The body of an auth call: what was parsed, checked against `AuthBody`, with its secrets redacted from here on. */
import type { AuthCall } from "@greenroom/core"
import { Effect, Redacted } from "effect"
import { AuthBody } from "../api/MediaServerApi.ts"
import { decoder } from "../body/jsonBody.ts"
import type { Problem } from "../problems/Problem.ts"

type SentBody = typeof AuthBody.Encoded

const isText = (value: unknown): boolean => typeof value === "string" || value === null || value === undefined

/** What `AuthBody` accepts, found in a tenth of its time. The schema finds what is wrong with the rest; a law holds both together. */
export const isAuthBody = (sent: unknown): sent is SentBody => {
  if (typeof sent !== "object" || sent === null) return false
  const { action, path, protocol, id, ip, user, password, token, query, userAgent } = sent as Record<string, unknown>
  return typeof path === "string" && [action, protocol, id, ip, user, password, token, query, userAgent].every(isText)
}

const decode = decoder(AuthBody)

export const authBodyIn = (sent: unknown): Effect.Effect<SentBody, Problem<"validation">> =>
  isAuthBody(sent)
    ? Effect.succeed(sent)
    : Effect.flatMap(decode(sent), () => Effect.die(new Error("AuthBody accepts what isAuthBody does not")))

const secret = (text: string | null | undefined): Redacted.Redacted<string> | undefined =>
  text === null || text === undefined ? undefined : Redacted.make(text)

export const authCallOf = ({
  action,
  path,
  protocol,
  id,
  ip,
  user,
  password,
  token,
  query,
  userAgent
}: SentBody): AuthCall => ({
  action: action ?? undefined,
  path,
  protocol: protocol ?? undefined,
  id,
  user: secret(user),
  password: secret(password),
  token: secret(token),
  query: secret(query),
  ip: ip ?? undefined,
  userAgent: userAgent ?? undefined
})
