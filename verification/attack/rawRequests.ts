/**
 * Raw requests that are nearly right: a valid one with some of its bytes changed, cut, doubled or swapped, chosen by a seed. What a
 * server makes of them is not the point; that it answers or closes, and lives, is.
 */
import { makeRng, type Rng } from "../worlds/Rng.ts"

const crlf = (...lines: ReadonlyArray<string>): string => lines.join("\r\n")

const body =
  '{"action":"publish","path":"live/x","protocol":"rtmp","id":"b7a1c6de-1b53-4c1e-9a55-0d1b7f6a2c11","password":"sk_x"}'

/** Valid requests of several kinds. */
export const validRequests: ReadonlyArray<string> = [
  crlf("GET /livez HTTP/1.1", "Host: x", "", ""),
  crlf(
    "GET /streams?status=active&limit=10 HTTP/1.1",
    "Host: x",
    "X-API-Key: wrong",
    "Accept: application/json",
    "",
    ""
  ),
  crlf("POST /auth HTTP/1.1", "Host: x", "Content-Type: application/json", `Content-Length: ${body.length}`, "", body),
  crlf(
    "POST /webhook/ready HTTP/1.1",
    "Host: x",
    "Transfer-Encoding: chunked",
    "",
    "1a",
    '{"path":"live/one","a":12}',
    "0",
    "",
    ""
  ),
  crlf("HEAD /docs HTTP/1.1", "Host: x", "Connection: keep-alive", "", ""),
  crlf("DELETE /stream-keys/b7a1c6de-1b53-4c1e-9a55-0d1b7f6a2c11 HTTP/1.1", "Host: x", "Expect: 100-continue", "", "")
]

const inserted = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  "%",
  "%25",
  "%00",
  "..",
  "/",
  "?",
  "#",
  ";",
  "\u00ff",
  "sk_",
  "[",
  "{",
  "0",
  "-1"
]

type Mutation = (text: string, rng: Rng) => string

const mutations: ReadonlyArray<Mutation> = [
  (text, rng) => text.slice(0, rng.below(text.length)),
  (text, rng) => {
    const at = rng.below(text.length)
    return text.slice(0, at) + String.fromCharCode(rng.below(256)) + text.slice(at + 1)
  },
  (text, rng) => {
    const at = rng.below(text.length)
    return text.slice(0, at) + rng.pick(inserted).repeat(rng.between(1, 64)) + text.slice(at)
  },
  (text, rng) => {
    const [from, length] = [rng.below(text.length), rng.between(1, 40)]
    return text.slice(0, from) + text.slice(from, from + length).repeat(rng.between(2, 8)) + text.slice(from + length)
  },
  (text, rng) => {
    const lines = text.split("\r\n")
    const [one, other] = [rng.below(lines.length), rng.below(lines.length)]
    return lines.map((line, at) => (at === one ? lines[other] : at === other ? lines[one] : line)).join("\r\n")
  },
  (text, rng) =>
    text.replace(/HTTP\/1\.1/, rng.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/1.10", "http/1.1", "HTTP/1.1 ", ""])),
  (text, rng) =>
    text.replace(
      /Content-Length: \d+/,
      `Content-Length: ${rng.pick(["-1", "1e3", "0x10", "99999999999", "+5", "5, 6", ""])}`
    ),
  (text, rng) => text + rng.pick(validRequests)
]

/** `count` requests, each a valid one after one to four changes. The same seed gives the same ones. */
export const mutatedRequests = (seed: number, count: number): ReadonlyArray<string> => {
  const rng = makeRng(seed)
  return Array.from({ length: count }, () => {
    let text = rng.pick(validRequests)
    for (let changes = rng.between(1, 4); changes > 0 && text !== ""; changes--) text = rng.pick(mutations)(text, rng)
    return text
  })
}

/** Requests that a proxy and a server might divide differently (RFC 9112, section 11.2). Each must have one answer and end its connection. */
export const ambiguousRequests: ReadonlyArray<readonly [string, string]> = [
  [
    "length and chunks",
    crlf("POST /auth HTTP/1.1", "Host: x", "Content-Length: 6", "Transfer-Encoding: chunked", "", "0", "", "G")
  ],
  ["two lengths", crlf("POST /auth HTTP/1.1", "Host: x", "Content-Length: 5", "Content-Length: 6", "", "abcdef")],
  ["a list of lengths", crlf("POST /auth HTTP/1.1", "Host: x", "Content-Length: 5, 6", "", "abcdef")],
  ["chunked twice", crlf("POST /auth HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, chunked", "", "0", "", "")],
  [
    "chunked that is not last",
    crlf("POST /auth HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, identity", "", "0", "", "")
  ],
  ["a space before the colon", crlf("POST /auth HTTP/1.1", "Host: x", "Transfer-Encoding : chunked", "", "0", "", "")],
  ["a folded header", crlf("POST /auth HTTP/1.1", "Host: x", "X-A: a", " b", "Content-Length: 0", "", "")],
  [
    "a chunk size that is none",
    crlf("POST /auth HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "0x5", "abcde", "0", "", "")
  ],
  ["a bare line feed", "POST /auth HTTP/1.1\nHost: x\nContent-Length: 0\n\n"],
  ["two hosts", crlf("GET /livez HTTP/1.1", "Host: x", "Host: y", "Connection: close", "", "")]
]
