/**
 * What the language and the database cost by themselves: a server written by hand with `node:http` and `pg` on the same database.
 * Its `/auth` runs the same statement as Greenroom's, and lets every viewer in. Its writes are one bare insert and one bare update. All statements are
 * prepared. It checks nothing but the secrets and the key, logs nothing, measures nothing, refuses with a bare status and wakes
 * no reconciler.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Pool } from "pg"
import type { AdmissionStatement } from "./admissionStatement.ts"

const { FLOOR } = process.env
const { statement, database, authorization, apiSecret } = JSON.parse(FLOOR ?? "") as {
  readonly statement: AdmissionStatement
  readonly database: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  readonly authorization: string
  readonly apiSecret: string
}
const pool = new Pool({ ...database, max: 25, min: 5 })

interface Answer {
  readonly status: number
  readonly body?: unknown
}

const admit = async (text: string): Promise<Answer> => {
  const { action, password, path, id, protocol } = JSON.parse(text)
  if (action === "read") return { status: 200, body: { decision: "allow" } }
  const request = {
    hash: createHash("sha256").update(password).digest(),
    path,
    sourceId: id,
    protocol,
    streamId: randomUUID()
  }
  const values = statement.parameters.map((name) => request[name])
  const row = (await pool.query({ name: "admit", text: statement.text, values })).rows[0]
  return row === undefined ? { status: 401 } : { status: 200, body: { decision: "allow", stream_id: row.id } }
}

const insertKey = async (text: string): Promise<Answer> => {
  const { broadcaster_id, label } = JSON.parse(text)
  const value = `sk_${randomBytes(32).toString("base64url")}`
  const hash = createHash("sha256").update(value).digest()
  const { rows } = await pool.query({
    name: "insert-key",
    text: `insert into stream_keys (id, broadcaster_id, hash, key_prefix, label) values ($1, $2, $3, $4, $5)
      returning id, broadcaster_id, key_prefix, label, created_at`,
    values: [randomUUID(), broadcaster_id, hash, value.slice(0, 7), label]
  })
  return { status: 201, body: { ...rows[0], key: value } }
}

const updateTitle = async (text: string, id: string): Promise<Answer> => {
  const { rows } = await pool.query({
    name: "update-title",
    text: "update streams set title = $2 where id = $1 returning id, title, path, started_at",
    values: [id, JSON.parse(text).title]
  })
  return rows[0] === undefined ? { status: 404 } : { status: 200, body: rows[0] }
}

const routed = ({ method, url = "", headers }: IncomingMessage): ((text: string) => Promise<Answer>) | undefined => {
  if (method === "POST" && url === "/auth") return headers.authorization === authorization ? admit : undefined
  if (headers["x-api-key"] !== apiSecret) return undefined
  if (method === "POST" && url === "/stream-keys") return insertKey
  if (method === "PATCH" && url.startsWith("/streams/")) return (text) => updateTitle(text, url.slice(9))
  return undefined
}

const answer = (response: ServerResponse, { status, body }: Answer) => {
  if (body === undefined) return response.writeHead(status).end()
  const text = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  return response.end(text)
}

const server = createServer((request, response) => {
  const route = routed(request)
  if (route === undefined) {
    answer(response, { status: 404 })
    return
  }
  let text = ""
  request.setEncoding("utf8")
  request.on("data", (chunk) => {
    text += chunk
  })
  request.on("end", async () => {
    try {
      answer(response, await route(text))
    } catch {
      answer(response, { status: 503 })
    }
  })
})

server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
