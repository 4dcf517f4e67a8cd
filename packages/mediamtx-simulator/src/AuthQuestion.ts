/**
 * What MediaMTX asks before it lets a client in, field by field, and where it takes the credential from. Since 1.18.0 `token` repeats the
 * password when there is one, and RTMP and RTSP may carry it in the query instead. What an older version does not know is empty here, and
 * not in the body that it sends (`bodyOf`).
 */
import type { ViewerProtocol } from "@greenroom/core"
import { isRtspProtocol } from "./families.ts"
import { defaultVersion, factsOf, type VersionFacts } from "./versions.ts"

export interface AuthQuestion {
  readonly ip: string
  readonly user: string
  readonly password: string
  readonly token: string
  readonly action: "publish" | "read" | "playback" | "api" | "metrics" | "pprof"
  readonly path: string
  readonly protocol: ViewerProtocol | ""
  readonly id: string | null
  readonly query: string
  readonly userAgent: string
}

/** What a client brings to prove itself, each as its protocol can carry it. */
export interface Credentials {
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** As it stands in the URL, without the question mark. */
  readonly query?: string
}

export interface Client extends Credentials {
  /** Of its connection or its session, as the version has it. */
  readonly id: string
  /** Of an RTSP viewer's connection, under which its DESCRIBE is asked about; of the HLS session that a second request gets. */
  readonly otherId?: string
  readonly action: "publish" | "read"
  readonly protocol: ViewerProtocol
  readonly path: string
  readonly ip?: string
}

/** RTMPS and RTSPS are asked about as their plain forms; only the lists distinguish them. */
const asked = (protocol: ViewerProtocol): ViewerProtocol =>
  protocol === "rtmps" ? "rtmp" : protocol === "rtsps" ? "rtsp" : protocol

const userAgents: { readonly [P in ViewerProtocol]: string } = {
  rtmp: "FMLE/3.0 (compatible; Lavf59.27.100)",
  rtmps: "FMLE/3.0 (compatible; Lavf59.27.100)",
  rtsp: "Lavf59.27.100",
  rtsps: "Lavf59.27.100",
  srt: "",
  webrtc: "Mozilla/5.0",
  moq: "Mozilla/5.0",
  hls: "Lavf/59.27.100"
}

/** ffmpeg calls itself otherwise when it plays RTMP. */
export const userAgentOf = ({ protocol, action }: Pick<Client, "protocol" | "action">): string =>
  action === "read" && asked(protocol) === "rtmp" ? "LNX 9,0,124,2" : userAgents[protocol]

/** RTMP clients have nowhere but the query to put user and password. */
export const queryOf = (client: Pick<Client, "protocol" | "user" | "password" | "token" | "query">): string => {
  const { protocol, user, password, token, query } = client
  if (query !== undefined) return query
  if (token !== undefined && ["rtmp", "rtsp"].includes(asked(protocol))) return `token=${token}`
  if (password === undefined || asked(protocol) !== "rtmp") return ""
  return `user=${user ?? ""}&pass=${password}`
}

/** Up to 1.12.2 a bearer is added to the query, and takes the place of a query that has a `jwt` already. */
export const withBearer = (query: string, bearer: string): string => {
  const parameters = new URLSearchParams(query)
  if (parameters.get("jwt")) return new URLSearchParams({ jwt: bearer }).toString()
  parameters.set("jwt", bearer)
  parameters.sort()
  return parameters.toString()
}

/** The JSON body of the auth call: without the fields that came later. */
export const bodyOf = ({ token, userAgent, ...rest }: AuthQuestion, facts: VersionFacts): object => ({
  ...rest,
  ...(facts.authToken === "absent" ? {} : { token }),
  ...(facts.authUserAgent ? { userAgent } : {})
})

/** Whether its credentials come in an HTTP header, or in a parameter of the protocol's own, so that it can bring a bearer. */
const bringsBearer = (protocol: ViewerProtocol): boolean =>
  protocol === "webrtc" || protocol === "moq" || protocol === "hls"

/** Whether it shows user and password only when it was refused without, as RTSP clients and HLS players do. */
const isShy = ({ protocol }: Client, { password }: AuthQuestion): boolean =>
  password !== "" && (isRtspProtocol(protocol) || protocol === "hls")

const withoutPair = (question: AuthQuestion, token: string): AuthQuestion => ({
  ...question,
  user: "",
  password: "",
  token
})

/**
 * The questions about a client, in order; the first that is allowed lets it in, an RTSP viewer as far as `setupQuestionOf`. An HLS player that is
 * refused without user and password gets another session for its next request.
 */
export const questionsOf = (
  client: Client,
  facts: VersionFacts = factsOf(defaultVersion)
): ReadonlyArray<AuthQuestion> => {
  const bearer = bringsBearer(client.protocol) ? client.token : undefined
  const inUrl = queryOf(client)
  const query = facts.authToken === "absent" && bearer !== undefined ? withBearer(inUrl, bearer) : inUrl
  const inQuery = new URLSearchParams(query)
  const repeats = facts.authToken === "bearer, password or query"
  const overRtmp = asked(client.protocol) === "rtmp"
  const user = client.user ?? (overRtmp ? inQuery.get("user") : null) ?? ""
  const password = client.password ?? (overRtmp ? inQuery.get("pass") : null) ?? ""
  const mayBeInQuery = repeats && (overRtmp || asked(client.protocol) === "rtsp")
  const fromQuery = mayBeInQuery ? (inQuery.get("token") ?? inQuery.get("jwt")) : null
  const question: AuthQuestion = {
    ip: client.ip ?? "127.0.0.1",
    user,
    password,
    token: repeats
      ? (client.token ?? (password === "" ? (fromQuery ?? "") : password))
      : ((facts.authToken === "bearer" ? bearer : undefined) ?? ""),
    action: client.action,
    path: client.path,
    protocol: asked(client.protocol),
    id: facts.hlsSessions || client.protocol !== "hls" ? client.id : null,
    query,
    userAgent: facts.authUserAgent ? userAgentOf(client) : ""
  }
  const { otherId = client.id } = client
  const describes = client.action === "read" && isRtspProtocol(client.protocol)
  const first = describes ? { ...question, id: otherId, userAgent: "" } : question
  if (!isShy(client, question)) return [first]
  const second = client.protocol === "hls" && question.id !== null ? { ...question, id: otherId } : first
  return [withoutPair(first, fromQuery ?? ""), second]
}

/** An RTSP viewer is asked about once more at its SETUP: with what its DESCRIBE was let in with. */
export const setupQuestionOf = (client: Client, allowed: AuthQuestion, facts: VersionFacts): AuthQuestion | null =>
  client.action === "read" && isRtspProtocol(client.protocol)
    ? { ...allowed, id: client.id, userAgent: facts.authUserAgent ? userAgentOf(client) : "" }
    : null
