/**
 * What MediaMTX asks before it lets a client in, field by field as it sends it, and where it takes the credential from: `token`
 * repeats the password when there is one; RTMP and RTSP may carry it in the query instead.
 */
import type { Protocol } from "@greenroom/core"

export interface AuthQuestion {
  readonly ip: string
  readonly user: string
  readonly password: string
  readonly token: string
  readonly action: "publish" | "read" | "playback" | "api" | "metrics" | "pprof"
  readonly path: string
  readonly protocol: Protocol | ""
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
  readonly id: string
  readonly action: "publish" | "read"
  readonly protocol: Protocol
  readonly path: string
}

/** RTMPS and RTSPS are asked about as their plain forms; only the lists tell them apart. */
const asked = (protocol: Protocol): Protocol =>
  protocol === "rtmps" ? "rtmp" : protocol === "rtsps" ? "rtsp" : protocol

const userAgents: { readonly [P in Protocol]: string } = {
  rtmp: "FMLE/3.0 (compatible; Lavf59.27.100)",
  rtmps: "FMLE/3.0 (compatible; Lavf59.27.100)",
  rtsp: "Lavf59.27.100",
  rtsps: "Lavf59.27.100",
  srt: "",
  webrtc: "Mozilla/5.0",
  moq: "Mozilla/5.0"
}

/** RTMP clients have nowhere but the query to put user and password. */
export const queryOf = (client: Pick<Client, "protocol" | "user" | "password" | "token" | "query">): string => {
  const { protocol, user, password, token, query } = client
  if (query !== undefined) return query
  if (token !== undefined && ["rtmp", "rtsp"].includes(asked(protocol))) return `token=${token}`
  if (password === undefined || asked(protocol) !== "rtmp") return ""
  return `user=${user ?? ""}&pass=${password}`
}

/**
 * The questions about a client, in order; the first that is allowed lets it in. An RTSP client with user and password shows them
 * only when it was refused without.
 */
export const questionsOf = (client: Client): ReadonlyArray<AuthQuestion> => {
  const query = queryOf(client)
  const inQuery = new URLSearchParams(query)
  const overRtmp = asked(client.protocol) === "rtmp"
  const user = client.user ?? (overRtmp ? inQuery.get("user") : null) ?? ""
  const password = client.password ?? (overRtmp ? inQuery.get("pass") : null) ?? ""
  const fromQuery = overRtmp || asked(client.protocol) === "rtsp" ? inQuery.get("token") : null
  const question: AuthQuestion = {
    ip: "127.0.0.1",
    user,
    password,
    token: client.token ?? (password === "" ? (fromQuery ?? "") : password),
    action: client.action,
    path: client.path,
    protocol: asked(client.protocol),
    id: client.id,
    query,
    userAgent: userAgents[client.protocol]
  }
  return asked(client.protocol) === "rtsp" && password !== ""
    ? [{ ...question, user: "", password: "", token: fromQuery ?? "" }, question]
    : [question]
}
