/** Raw connections to the loopback, counted; everything they fail with is what an attacker expects. */
import { once } from "node:events"
import * as net from "node:net"
import type { Means } from "./Attack.ts"

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export const isOver = ({ until }: Pick<Means, "until">): boolean => performance.now() >= until

/** Connected, or failed to. */
export const connect = async ({ target, spent }: Means, port = target.apiPort): Promise<net.Socket> => {
  const socket = net.connect(port, "127.0.0.1").on("error", () => {})
  spent.connections += 1
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => {})
  return socket
}

export const send = ({ spent }: Means, socket: net.Socket, text: string | Buffer): boolean => {
  if (!socket.writable) return false
  spent.bytes += text.length
  return socket.write(text)
}

/** What comes back on one connection until it closes or `within` has passed. */
export const exchange = async (means: Means, text: string | Buffer, within = 5_000, port?: number): Promise<string> => {
  const socket = await connect(means, port)
  let answer = ""
  socket.on("data", (chunk) => {
    if (answer.length < 65_536) answer += chunk.toString("latin1")
  })
  socket.setTimeout(within, () => socket.destroy())
  send(means, socket, text)
  if (!socket.destroyed) await once(socket, "close").catch(() => {})
  if (answer !== "") means.spent.answers += 1
  return answer
}

/** `count` workers at once, each again and again until the time is over. */
export const repeatedly = (
  means: Means,
  count: number,
  work: (worker: number, round: number) => Promise<void>
): Promise<void> =>
  Promise.all(
    Array.from({ length: count }, async (_, worker) => {
      for (let round = 0; !isOver(means); round++) await work(worker, round)
    })
  ).then(() => {})

export const closeAll = (sockets: Iterable<net.Socket>): void => {
  for (const socket of sockets) socket.destroy()
}
