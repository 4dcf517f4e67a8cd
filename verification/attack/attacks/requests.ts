/** Attacks by what a request holds: long, nested, encoded, cut into pieces, ambiguous, or simply wrong. */
import type { Attack, Means } from "../Attack.ts"
import { ambiguousRequests, mutatedRequests } from "../rawRequests.ts"
import { exchange, repeatedly } from "../sockets.ts"

const close = "Host: x\r\nConnection: close\r\n\r\n"

const post = (path: string, body: string, more = "") =>
  `POST ${path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}${close}${body}`

const turns = (means: Means, workers: number, texts: ReadonlyArray<string>) =>
  repeatedly(means, workers, async (worker, round) => {
    const text = texts[(worker + round) % texts.length]
    if (text !== undefined) await exchange(means, text)
  })

const encoded = (bytes: number) => `/sk%${"25".repeat(bytes / 2)}5f${"a".repeat(64)}`

const targets = [
  `XYZZY ${encoded(62_000)} HTTP/1.1\r\n${close}`,
  `GET ${encoded(15_000)} HTTP/1.1\r\n${close}`,
  `GET ${encoded(2_000)} HTTP/1.1\r\n${close}`,
  `XYZZY /${"%25".repeat(20_000)} HTTP/1.1\r\n${close}`,
  `GET /streams/${"%25".repeat(650)} HTTP/1.1\r\n${close}`,
  `GET /streams?${"a=%25&".repeat(1_300)} HTTP/1.1\r\n${close}`
]

const headers = [
  `GET /livez HTTP/1.1\r\n${"X-A: b\r\n".repeat(1_500)}${close}`,
  `GET /livez HTTP/1.1\r\nX-A: ${"a".repeat(60_000)}\r\n${close}`,
  `GET /streams HTTP/1.1\r\nX-API-Key: ${"a".repeat(15_000)}\r\n${close}`,
  `GET /livez HTTP/1.1\r\nX-Request-ID: sk%${"25".repeat(7_000)}5f\r\n${close}`
]

const bodies = (secret: string) =>
  [
    `{"sk%${"25".repeat(30_000)}5f${"a".repeat(64)}":1}`,
    `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`,
    `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
    `{${Array.from({ length: 4_500 }, (_, n) => `"name${n}":1`).join(",")}}`,
    `{"display_name":"${"%25".repeat(20_000)}"}`,
    `{"metadata":${'{"a":'.repeat(9_900)}1${"}".repeat(9_900)}}`
  ].flatMap((body) => [
    post("/auth", body),
    post("/webhook/ready", body),
    post("/broadcasters", body, `X-API-Key: ${secret}\r\n`)
  ])

const inBytes = (body: string) =>
  `POST /auth HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n${close}${[...body].map((one) => `1\r\n${one}\r\n`).join("")}0\r\n\r\n`

export const requestAttacks: ReadonlyArray<Attack> = [
  { name: "long and encoded targets", run: (means) => turns(means, 6, targets) },
  { name: "long and many headers", run: (means) => turns(means, 6, headers) },
  { name: "nested and long bodies", run: (means) => turns(means, 6, bodies(means.target.apiSecret)) },
  { name: "chunks of one byte", run: (means) => turns(means, 4, [inBytes(`{"path":"${"a".repeat(60_000)}"}`)]) },
  {
    name: "ambiguous requests",
    run: (means) =>
      turns(
        means,
        8,
        ambiguousRequests.map(([, text]) => text)
      )
  },
  {
    name: "mutated requests, 1,500",
    run: async (means) => {
      const texts = mutatedRequests(means.seed, 1_500)
      let next = 0
      await repeatedly(means, 24, async () => {
        const text = texts[next++ % texts.length]
        if (text !== undefined) await exchange(means, Buffer.from(text, "latin1"), 300)
      })
    }
  }
]
