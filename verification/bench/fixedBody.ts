/** Runs in a worker thread: `node:http` that answers every request with the same bytes, as many as it is given. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { parentPort, workerData } from "node:worker_threads"

const body = Buffer.alloc(Number(workerData), "a")
const head = { "content-type": "application/json", "content-length": body.length }
const server = createServer((_, response) => {
  response.writeHead(200, head)
  response.end(body)
})
server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port))
