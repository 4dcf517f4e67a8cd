/**
 * The web handler: `POST …/auth`, `POST …/hooks`, `…/hooks/ready` and `…/hooks/not-ready` below any prefix, with the secret of the options.
 * Everything else is the REST API's, if it is on.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { recordRefusedCall } from "@greenroom/core"
import { authenticate, closedAnswer, hook } from "./answerAuth.ts"
import { GreenroomError } from "./GreenroomError.ts"
import type { Run } from "./run.ts"

export type WebHandler = (request: Request) => Promise<Response>

/** Longer than any auth call: MediaMTX's paths have at most 1,024 characters. */
const BODY_MAX = 64 * 1024

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers }
  })

const refused = (status: number, reason: string, detail: string, headers = {}): Response =>
  json(status, { decision: "refuse", reason, detail }, headers)

/** A bearer token, or the password of HTTP Basic (RFC 7617: behind the first colon). */
const credentialIn = (authorization: string): string => {
  const [scheme = "", value = ""] = authorization.split(/ (.*)/s)
  if (scheme.toLowerCase() === "bearer") return value.trim()
  if (scheme.toLowerCase() !== "basic") return ""
  const pair = Buffer.from(value, "base64").toString()
  return pair.slice(pair.indexOf(":") + 1)
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** MediaMTX, curl and wget never send these; a browser does on every POST. */
const isFromWebPage = ({ headers }: Request): boolean => headers.has("origin") || headers.has("sec-fetch-site")

/** `undefined`: longer than `BODY_MAX`. */
const bodyOf = async (request: Request): Promise<string | undefined> => {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_MAX) return undefined
  if (request.body === null) return ""
  const pieces: Array<Uint8Array> = []
  let length = 0
  for await (const piece of request.body) {
    length += piece.byteLength
    if (length > BODY_MAX) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const ROUTE = /\/(?:(auth)|hooks(?:\/(ready|not-ready))?)$/

export const fetchOf = (run: Run, secret: string, rest: WebHandler | null, isClosed: () => boolean): WebHandler => {
  const expected = digest(secret)
  const isRight = (request: Request): boolean =>
    timingSafeEqual(digest(credentialIn(request.headers.get("authorization") ?? "")), expected)

  const answer = async (request: Request, isAuth: boolean, kind: string | undefined): Promise<Response> => {
    if (isFromWebPage(request))
      return refused(403, "forbidden", "Calls of the media server are not taken from a web page")
    if (!isRight(request)) {
      // A media server with a wrong secret gets no publisher in: the decision log has that, too.
      const id = isAuth ? { "x-decision-id": await run(recordRefusedCall("hook_secret", null)) } : {}
      return refused(401, "unauthorized", "The secret is missing or wrong", {
        "www-authenticate": 'Basic realm="greenroom", Bearer',
        ...id
      })
    }
    const text = await bodyOf(request)
    if (text === undefined) return refused(413, "too_large", `Expected at most ${BODY_MAX} bytes`)
    const body = parsed(text)
    if (!isAuth) {
      await run(hook(kind, body))
      return new Response(null, { status: 204 })
    }
    if (body === undefined) return refused(400, "invalid_argument", "Expected JSON")
    const { status, body: answered, decisionId } = await run(authenticate(body))
    return json(status, answered, decisionId === undefined ? {} : { "x-decision-id": decisionId })
  }

  const handle = async (request: Request): Promise<Response> => {
    const route = request.method === "POST" ? ROUTE.exec(new URL(request.url).pathname) : null
    if (route !== null) return answer(request, route[1] !== undefined, route[2])
    return rest === null ? json(404, { detail: "Nothing is here" }) : rest(request)
  }
  const closed = (): Response => json(closedAnswer.status, closedAnswer.body)

  return async (request) => {
    if (isClosed()) return closed()
    try {
      return await handle(request)
    } catch (error) {
      if (error instanceof GreenroomError && error.code === "closed") return closed()
      throw error
    }
  }
}
