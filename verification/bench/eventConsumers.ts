/**
 * Consumers of server-sent events in a process of their own. Every one reads all that comes; the lag is taken from each event of one in ten of
 * them, because to search all would take the machine from the service. Sends how many are connected, then the lags when it is asked.
 */
import { connect } from "node:net"

const { CONSUMERS } = process.env
const { port, apiSecret, count } = JSON.parse(CONSUMERS ?? "") as {
  readonly port: number
  readonly apiSecret: string
  readonly count: number
}
const SAMPLED = 10

let lags: Array<number> = []
let connected = 0
let closed = 0

const request = `GET /events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: ${apiSecret}\r\nAccept: text/event-stream\r\n\r\n`

const consume = (index: number) => {
  const socket = connect({ port, host: "127.0.0.1" })
  let isOpen = false
  socket.on("connect", () => socket.write(request))
  socket.on("data", (chunk) => {
    if (!isOpen) {
      isOpen = true
      connected += 1
      if (connected === count) process.send?.(connected)
    }
    if (index % SAMPLED !== 0) return
    const came = Date.now()
    for (const [, at] of chunk.toString("latin1").matchAll(/"at":"([^"]+)"/g)) lags.push(came - Date.parse(at!))
  })
  socket.on("error", () => {})
  socket.on("close", () => {
    closed += 1
  })
}

for (let index = 0; index < count; index++) consume(index)

process.on("message", () => {
  process.send?.({ lags, closed })
  lags = []
})
