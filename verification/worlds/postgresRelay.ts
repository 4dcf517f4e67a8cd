/**
 * A relay in front of a PostgreSQL server that reads along: how many statements clients have sent, and, when it is told to
 * swallow, a network that takes every packet of the connections that stand and delivers none, or none of the answers.
 */
import * as net from "node:net"
import type { PostgresAddress } from "@greenroom/adapters/postgres"
import { Effect, Redacted } from "effect"

interface Relayed {
  readonly client: net.Socket
  readonly server: net.Socket
  swallowed: boolean
  unanswered: boolean
}

/** Counts `Sync` messages: each ends one statement, BEGIN and COMMIT included, and a statement outside of these commits itself. */
const statementCounter = () => {
  let pending: Buffer = Buffer.alloc(0)
  let started = false
  return (chunk: Buffer): number => {
    pending = Buffer.concat([pending, chunk])
    let syncs = 0
    while (pending.length >= 5) {
      const length = started ? 1 + pending.readInt32BE(1) : pending.readInt32BE(0)
      if (pending.length < length) break
      if (started && pending[0] === 0x53) syncs++
      started = true
      pending = pending.subarray(length)
    }
    return syncs
  }
}

const targetOf = (address: PostgresAddress): net.NetConnectOpts => {
  if ("url" in address) {
    const url = new URL(Redacted.value(address.url))
    return { host: url.hostname, port: Number(url.port || 5432) }
  }
  return address.host.startsWith("/")
    ? { path: `${address.host}/.s.PGSQL.${address.port}` }
    : { host: address.host, port: address.port }
}

const through = (address: PostgresAddress, port: number): PostgresAddress => {
  if (!("url" in address)) return { ...address, host: "127.0.0.1", port }
  const url = new URL(Redacted.value(address.url))
  url.hostname = "127.0.0.1"
  url.port = String(port)
  return { url: Redacted.make(url.href) }
}

export const relayTo = (address: PostgresAddress) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const relayed = new Set<Relayed>()
      let statements = 0
      const listener = net.createServer((client) => {
        const server = net.connect(targetOf(address))
        const pair: Relayed = { client, server, swallowed: false, unanswered: false }
        const count = statementCounter()
        relayed.add(pair)
        const close = () => {
          if (pair.swallowed) return
          relayed.delete(pair)
          client.destroy()
          server.destroy()
        }
        client.on("data", (chunk) => {
          if (pair.swallowed) return
          statements += count(chunk)
          server.write(chunk)
        })
        server.on("data", (chunk) => {
          if (!pair.swallowed && !pair.unanswered) client.write(chunk)
        })
        for (const socket of [client, server]) socket.on("error", close).on("close", close)
      })
      await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
      const { port } = listener.address() as net.AddressInfo
      return {
        address: through(address, port),
        /** How many statements have been sent so far. */
        statements: () => statements,
        /** From now on the connections that stand are silent, and nobody is told. New ones are served. */
        swallow: () => {
          for (const pair of relayed) pair.swallowed = true
        },
        /** From now on the server does what the connections that stand ask of it, and its answers are lost. */
        loseAnswers: () => {
          for (const pair of relayed) pair.unanswered = true
        },
        close: () => {
          listener.close()
          for (const { client, server } of relayed) {
            client.destroy()
            server.destroy()
          }
        }
      }
    }),
    (relay) => Effect.sync(relay.close)
  )
