/**
 * A headless Chromium that publishes its fake camera over MoQ: HTTP/3 and WebTransport. The script that speaks MoQ is the one that the
 * MediaMTX under test serves itself, so that each version is spoken to in its own draft; it is fetched, never kept.
 */
import * as Https from "node:https"
import { Effect, type Scope } from "effect"
import { browserPage } from "./browser.ts"
import type { Target } from "./Target.ts"
import type { Encoder } from "./TestDeployment.ts"

const ANSWERS_WITHIN_MS = 10_000

/** With the certificate that MediaMTX made for itself. */
const fetchText = (url: URL) =>
  Effect.callback<string>((resume) => {
    const fail = (cause: unknown) => resume(Effect.die(new Error(`${url.pathname} is not served`, { cause })))
    const options = { rejectUnauthorized: false, timeout: ANSWERS_WITHIN_MS }
    const request = Https.get(url, options, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
      })
      response.once("end", () =>
        response.statusCode === 200 ? resume(Effect.succeed(text)) : fail(response.statusCode)
      )
    })
    request.once("error", fail).once("timeout", () => request.destroy(new Error("no answer")))
  })

/**
 * The publisher retries by itself after each error: the first one ends it here. A kick closes the connection, which is such an error.
 * `keyframes` counts pictures.
 */
const script = `
  await new Promise((resolve, reject) => {
    const element = document.createElement("script")
    element.onload = resolve
    element.onerror = () => reject("the publisher's script does not load")
    element.src = "/publisher.js"
    document.head.append(element)
  })
  const { url, user, password, token } = settings
  const publisher = new MediaMTXMoQPublisher({
    url,
    fingerprintUrl: "/fingerprint",
    user,
    pass: password,
    token,
    stream: await media(),
    videoCodec: "avc3.42001f",
    videoBitrate: 200,
    videoFramerate: 10,
    videoKeyframeInterval: 10,
    videoWidth: 320,
    videoHeight: 180,
    audioCodec: "opus",
    audioBitrate: 32,
    onError: (error) => {
      publisher.close()
      over(error)
    }
  })
  stopped.then(() => {
    publisher.close()
    over("stopped")
  })`

export type MoqCredential =
  | { readonly user: string; readonly password: string }
  /** The target's bearer. */
  | "bearer"

/** The target's URL is `https://host:port/path`, where MediaMTX serves MoQ's pages. */
export const moqEncoder = Effect.fnUntraced(function* (
  { url, bearer }: Target,
  credential: MoqCredential = "bearer"
): Effect.fn.Return<Encoder, never, Scope.Scope> {
  const own = credential === "bearer" ? { token: bearer } : credential
  const [publisher, fingerprint] = yield* Effect.all(
    ["publisher.js", "fingerprint"].map((name) => fetchText(new URL(`${url}/${name}`)))
  )
  const files = { "/publisher.js": publisher ?? "", "/fingerprint": fingerprint ?? "" }
  // The suffix is the one that every version so far takes.
  return yield* browserPage({ protocol: "moq", script, files, settings: { url: `${url}/moq`, ...own } })
})
