/**
 * The body of an event stream: what the client's connection does not take yet waits here, within two bounds. Node pipes it into the response,
 * a web handler's host reads it. A client that lets it fill, or takes nothing for some time, is cut off: it connects again and goes on from its
 * cursor, which costs nothing while it is away.
 */
import { Readable } from "node:stream"
import { Effect } from "effect"

export const WAITING_EVENTS_MAX = 1_000
export const WAITING_BYTES_MAX = 1024 * 1024
/** So long a client may take nothing of what waits for it. */
export const TAKES_WITHIN_MS = 30_000
/** What Node reads ahead of the response. */
const READ_AHEAD_BYTES = 16 * 1024

export type Dropped = "too_slow" | "stuck"

interface Piece {
  readonly bytes: Uint8Array
  readonly events: number
}

export interface OutputOptions {
  /** Closes the client's connection. */
  readonly cut: () => void
  readonly onDropped: (why: Dropped) => void
  readonly takesWithinMillis?: number
}

export class BoundedOutput extends Readable {
  readonly #options: OutputOptions
  #waiting: Array<Piece> = []
  #events = 0
  #bytes = 0
  #isWanted = false
  #isCut = false
  #deadline: NodeJS.Timeout | undefined

  constructor(options: OutputOptions) {
    super({ highWaterMark: READ_AHEAD_BYTES })
    this.#options = options
  }

  /** Bytes that wait, without what Node and the operating system hold. */
  get waitingBytes(): number {
    return this.#bytes
  }

  get isOver(): boolean {
    return this.#isCut || this.destroyed || this.readableEnded
  }

  /** Whole blocks with so many events in them; none: they are left out while the client takes nothing. False: the client is cut off. */
  offer(bytes: Uint8Array, events: number): boolean {
    if (this.isOver) return false
    if (this.#isWanted) {
      this.#isWanted = this.push(bytes)
      return true
    }
    this.#deadline ??= setTimeout(() => this.#drop("stuck"), this.#options.takesWithinMillis ?? TAKES_WITHIN_MS)
    if (events === 0) return true
    if (this.#events + events > WAITING_EVENTS_MAX || this.#bytes + bytes.length > WAITING_BYTES_MAX) {
      this.#drop("too_slow")
      return false
    }
    this.#waiting.push({ bytes, events })
    this.#events += events
    this.#bytes += bytes.length
    return true
  }

  /** Completes when the client takes more. */
  readonly room: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#isWanted) return resume(Effect.void)
    const onRoom = () => resume(Effect.void)
    this.once("room", onRoom)
    return Effect.sync(() => this.removeListener("room", onRoom))
  })

  /** Ends the response; that of a client that takes nothing now is cut off. */
  finish(): void {
    if (this.isOver) return
    if (this.#isWanted) this.push(null)
    else this.#cutOff()
  }

  override _read(): void {
    this.#isWanted = true
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    while (this.#isWanted) {
      const piece = this.#waiting.shift()
      if (piece === undefined) break
      this.#events -= piece.events
      this.#bytes -= piece.bytes.length
      this.#isWanted = this.push(piece.bytes)
    }
    if (this.#isWanted) this.emit("room")
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#forget()
    done(error)
  }

  #drop(why: Dropped): void {
    if (this.isOver) return
    this.#options.onDropped(why)
    this.#cutOff()
  }

  #cutOff(): void {
    this.#isCut = true
    this.#forget()
    this.#options.cut()
    // By then the end of the connection has destroyed it, unless no response was ever made of it.
    setImmediate(() => this.destroy())
  }

  #forget(): void {
    clearTimeout(this.#deadline)
    this.#waiting = []
    this.#events = 0
    this.#bytes = 0
  }
}
