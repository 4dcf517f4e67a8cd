/** The documentation that the service serves about itself: pages without scripts, which work without a network. */
import { createHash } from "node:crypto"
import { Effect, Layer } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { errorPage } from "../docs/errorPage.ts"
import { openApiDocument } from "../docs/OpenApiDocument.ts"
import { referencePage } from "../docs/referencePage.ts"
import { style } from "../docs/style.ts"
import { failWith } from "../problems/Problem.ts"
import { type ProblemName, problemTypes } from "../problems/problemTypes.ts"

/** Only the page's own style is loaded, whatever text is in the page. */
const csp = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const page = (html: Uint8Array) =>
  HttpServerResponse.uint8Array(html, {
    contentType: "text/html; charset=utf-8",
    headers: {
      "content-security-policy": csp,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "public, max-age=300"
    }
  })

const isHost = /^[0-9A-Za-z.-]+(:\d+)?$|^\[[0-9A-Fa-f:.]+\](:\d+)?$/

/** Where the caller has reached the service, as far as its request shows; a proxy in front sends the scheme. */
const baseOf = ({ headers }: HttpServerRequest.HttpServerRequest): string => {
  const scheme = headers["x-forwarded-proto"] === "https" ? "https" : "http"
  const host = headers.host ?? ""
  return isHost.test(host) ? `${scheme}://${host}` : "http://localhost:8080"
}

/** A placeholder in the page, which is made once, for the address of the service. */
const BASE = "http://base.invalid"
const reference = Effect.runSync(Effect.cached(Effect.sync(() => referencePage(openApiDocument(), BASE))))

/** Callers reach a service by few names; the page is made once for each of the newest of them. */
const KEPT = 8
const references = new Map<string, Uint8Array>()

const referenceAt = (base: string) =>
  Effect.map(reference, (html) => {
    const bytes = references.get(base) ?? Buffer.from(html.replaceAll(BASE, base))
    references.delete(base)
    references.set(base, bytes)
    const [oldest] = references.keys()
    if (references.size > KEPT && oldest !== undefined) references.delete(oldest)
    return bytes
  })

const docs = Effect.gen(function* () {
  const html = yield* referenceAt(baseOf(yield* HttpServerRequest.HttpServerRequest))
  return HttpServerResponse.setHeader(page(html), "vary", "X-Forwarded-Proto")
})
const document = Effect.sync(() => HttpServerResponse.jsonUnsafe(openApiDocument()))

const isProblemName = (name: string | undefined): name is ProblemName =>
  name !== undefined && Object.hasOwn(problemTypes, name)

const error = Effect.gen(function* () {
  const { name } = yield* HttpRouter.params
  if (!isProblemName(name)) return yield* failWith("not-found", "No problem type has this name")
  return page(Buffer.from(errorPage(name)))
})

export const layer = Layer.mergeAll(
  HttpRouter.add("GET", "/docs", docs),
  HttpRouter.add("GET", "/openapi.json", Effect.runSync(Effect.cached(document))),
  HttpRouter.add("GET", "/errors/:name", error)
)
