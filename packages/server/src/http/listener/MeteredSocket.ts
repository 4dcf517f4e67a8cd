/**
 * A connection that is read in small pieces, each within the budget of a turn of the event loop. Node's HTTP server parses all that one
 * read of the operating system brings, 64 KiB or two thousand requests, before anything else may run, and it does not stop when it is
 * paused. From this stream it gets a piece at a time: what it has not asked for waits in the socket. `http.Server` accepts any duplex
 * stream as a connection; what it uses of a socket beside that is here, too.
 */
import type { Socket } from "node:net"
import { Duplex } from "node:stream"
import type { TurnBudget } from "./TurnBudget.ts"

/** Some thirty of the shortest requests; most requests whole. */
const PIECE = 1024
/** Once a client has sent requests ahead of answers: each request that is parsed too early costs its closing an exception. */
const PIECE_OF_PIPELINE = 256

type Done = (error?: Error | null) => void

export class MeteredSocket extends Duplex {
  readonly #socket: Socket
  readonly #budget: TurnBudget
  #isWanted = false
  #isScheduled = false
  #isHeld = false
  #piece = PIECE

  constructor(socket: Socket, budget: TurnBudget) {
    super({ readableHighWaterMark: PIECE, writableHighWaterMark: socket.writableHighWaterMark, decodeStrings: false })
    this.#socket = socket
    this.#budget = budget
    socket
      .on("readable", () => {
        if (socket.readableLength === 0) socket.read(0)
        else this.#schedule()
      })
      .on("end", () => this.push(null))
      .on("timeout", () => this.emit("timeout"))
      .on("error", (error) => this.destroy(error))
      .on("close", () => this.destroy())
  }

  get remoteAddress() {
    return this.#socket.remoteAddress
  }
  get remotePort() {
    return this.#socket.remotePort
  }
  get bytesRead() {
    return this.#socket.bytesRead
  }
  get localPort() {
    return this.#socket.localPort
  }

  /** Counts what happens on the socket, in either direction. */
  setTimeout(millis: number): this {
    this.#socket.setTimeout(millis)
    return this
  }

  /** Nothing more is read, whatever else resumes the stream: Node does so for every request whose body is to be read or thrown away. */
  hold(): void {
    this.#isHeld = true
    this.#piece = PIECE_OF_PIPELINE
    super.pause()
  }

  release(): void {
    this.#isHeld = false
    super.resume()
  }

  override resume(): this {
    return this.#isHeld ? this : super.resume()
  }

  /** Ends once everything is written, and destroys then. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.once("finish", () => this.destroy())
    if (this.writable) this.end()
  }

  override _read(): void {
    this.#isWanted = true
    // Later: a piece pushed inside `_read` is buffered and parsed after it, outside the measured task.
    if (this.#socket.readableLength > 0) process.nextTick(() => this.#schedule())
  }

  #schedule(): void {
    if (!this.#isWanted || this.#isScheduled || this.#socket.readableLength === 0) return
    this.#isScheduled = true
    this.#budget.run(() => this.#readPiece())
  }

  #readPiece(): void {
    this.#isScheduled = false
    if (this.destroyed) return
    const piece = this.#socket.read(Math.min(this.#piece, this.#socket.readableLength))
    if (piece === null) return
    this.#isWanted = false
    this.push(piece)
    // A read of all that is there does not notice that nothing follows; this one does.
    if (this.#socket.readableLength === 0) this.#socket.read(0)
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, encoding, done)
  }

  override _writev(
    chunks: ReadonlyArray<{ readonly chunk: string | Buffer; readonly encoding: BufferEncoding }>,
    done: Done
  ): void {
    this.#socket.cork()
    const last = chunks.length - 1
    chunks.forEach(({ chunk, encoding }, index) => {
      if (index === last) this.#socket.write(chunk, encoding, done)
      else this.#socket.write(chunk, encoding)
    })
    this.#socket.uncork()
  }

  override _final(done: Done): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy()
    done(error)
  }
}
