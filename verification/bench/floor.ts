/**
 * What the language and the database cost by themselves: an `/auth` written by hand with `node:http` and `pg`, around the same
 * statement, prepared, on the same database. It checks nothing but the hook secret and the key, logs nothing, measures nothing,
 * refuses with a bare 401 and wakes nobody.
 */
import { createHash, randomUUID } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Pool } from "pg"
import type { AdmissionStatement } from "./admissionStatement.ts"

const { FLOOR } = process.env
const { statement, database, authorization } = JSON.parse(FLOOR ?? "") as {
  readonly statement: AdmissionStatement
  readonly database: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  readonly authorization: string
}
const pool = new Pool({ ...database, max: 25, min: 5 })

const admit = async (text: string) => {
  const { password, path, id, protocol } = JSON.parse(text)
  const request = {
    hash: createHash("sha256").update(password).digest(),
    path,
    sourceId: id,
    protocol,
    streamId: randomUUID()
  }
  const values = statement.parameters.map((name) => request[name])
  return (await pool.query({ name: "admit", text: statement.text, values })).rows[0]
}

const server = createServer((request, response) => {
  if (request.method !== "POST" || request.url !== "/auth" || request.headers.authorization !== authorization) {
    response.writeHead(404).end()
    return
  }
  let text = ""
  request.setEncoding("utf8")
  request.on("data", (chunk) => {
    text += chunk
  })
  request.on("end", async () => {
    try {
      const row = await admit(text)
      if (row === undefined) {
        response.writeHead(401).end()
        return
      }
      const body = JSON.stringify({ decision: "allow", stream_id: row.id })
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      response.end(body)
    } catch {
      response.writeHead(503).end()
    }
  })
})

server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
