/** The pages: what is said of every problem, and a reference that needs no network and runs nothing. */
import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { prose } from "../../src/http/docs/html.ts"
import { type ProblemName, problemTypes } from "../../src/http/problems/problemTypes.ts"
import { call, raw } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

// biome-ignore lint/suspicious/noExplicitAny: the document is open JSON
type Json = any

let service: Service
beforeAll(async () => {
  service = await start()
})
afterAll(() => service.close())

const names = Object.keys(problemTypes) as ReadonlyArray<ProblemName>
const pages = ["/docs", ...names.map((name) => `/errors/${name}`)]

describe.each(pages)("%s", (path) => {
  it("is a page that loads nothing, runs nothing, and may be framed by nobody", async () => {
    const { status, headers, text } = await call(service, "GET", path, { secret: null })
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"])
    const policy = headers.get("content-security-policy") ?? ""
    expect(policy).toMatch(/default-src 'none'/)
    expect(policy).not.toMatch(/unsafe|https?:|script-src/)
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? ""
    expect(policy).toContain(`'sha256-${createHash("sha256").update(style).digest("base64")}'`)
    expect(text).not.toMatch(/<script|<iframe|<img|@import|url\(|\sstyle=|\son\w+=/i)
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
  })

  it("has only links that lead somewhere", async () => {
    const { text } = await call(service, "GET", path, { secret: null })
    const ids = new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id))
    const links = new Set([...text.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, href]) => href ?? ""))
    expect(links.size).toBeGreaterThan(0)
    for (const link of links) {
      if (link.startsWith("#")) expect([link, ids.has(link.slice(1))]).toEqual([link, true])
      else
        expect([link, (await call(service, "GET", link.split("#")[0] ?? "", { secret: null })).status]).toEqual([
          link,
          200
        ])
    }
  })
})

describe.each(names)("/errors/%s", (name) => {
  it("says what has happened and what to do", async () => {
    const { text } = await call(service, "GET", `/errors/${name}`, { secret: null })
    const { status, title, meaning, remedy } = problemTypes[name]
    for (const part of [String(status), prose(title), prose(meaning), prose(remedy)]) expect(text).toContain(part)
  })
})

const docsOf = async () => (await call(service, "GET", "/docs", { secret: null })).text

describe("/docs", () => {
  it("has commands that can be pasted: they go where the page came from", async () => {
    const docs = async (headers: Record<string, string> = {}) =>
      (await call(service, "GET", "/docs", { secret: null, headers })).text
    const own = await docs()
    expect(own).toContain(`curl &quot;${service.base}/streams&quot;`)
    expect(own).not.toContain("base.invalid")
    const proxied = await docs({ "x-forwarded-proto": "https" })
    expect(proxied).toContain(`curl &quot;${service.base.replace("http:", "https:")}/streams&quot;`)
    const strange = await raw(service.port, "GET /docs HTTP/1.1\r\nHost: x$(reboot)<b>\r\nConnection: close\r\n\r\n")
    expect(strange).toContain("curl &quot;http://localhost:8080/streams&quot;")
    expect(strange).not.toContain("reboot")
  })

  it("begins, on a narrow screen, with what it is about", async () => {
    const text = await docsOf()
    const narrow = /@media \(max-width:52rem\)\{(.*)\}\n/.exec(text)?.[1] ?? ""
    expect(narrow).toMatch(/\.page\{display:flex;flex-direction:column\}nav\{order:1/)
    expect(text).toMatch(/<main><a class="to-contents" href="#contents">/)
  })

  it("has every operation and every schema field", async () => {
    const { text } = await call(service, "GET", "/docs", { secret: null })
    const spec = (await call(service, "GET", "/openapi.json")).json
    for (const [path, item] of Object.entries<Json>(spec.paths)) {
      expect(text).toContain(`<code>${path}</code>`)
      for (const operation of Object.values<Json>(item)) expect(text).toContain(prose(operation.summary))
    }
    for (const field of [
      "key_value",
      "state_as_of",
      "next_cursor",
      "ingest",
      "ending.reason",
      "broadcaster.metadata"
    ]) {
      expect([field, text.includes(`<code>${field}</code>`)]).toEqual([field, true])
    }
  })
})
