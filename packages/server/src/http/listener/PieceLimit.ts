/**
 * How many pieces a body may come in, and how they are kept. Each chunk of a chunked body costs the parser and the stream 2 to 5 µs,
 * whatever it holds, so 64 KiB in chunks of one byte cost a hundred times what they cost in one. A body that is worth sending has at least
 * 16 bytes a piece. Each piece is a buffer of its own, which takes a hundred bytes and more beside what it holds: small ones are
 * copied together, so that a body takes the memory of its bytes while it waits.
 */
import type { IncomingMessage } from "node:http"

export const PIECES_MAX = 4_096
/** Bytes that are kept together. */
const TOGETHER = 1_024

/** Calls `exceeded`, once, with the piece that is too many; it and those behind it are dropped. */
export const limitPieces = (request: IncomingMessage, exceeded: () => void): void => {
  const push = request.push.bind(request)
  let pieces = 0
  /** The first piece, while there is no second: most bodies come in one, which is passed on as it is. */
  let lone: Buffer | null = null
  let kept: Buffer | null = null
  let used = 0

  const flush = (): boolean => {
    if (kept === null || used === 0) return true
    const whole = kept.subarray(0, used)
    kept = null
    used = 0
    return push(whole)
  }

  const keep = (piece: Buffer): boolean => {
    if (pieces === 1) {
      lone = piece
      return true
    }
    if (lone !== null) {
      const first = lone
      lone = null
      gather(first)
    }
    return gather(piece)
  }

  const gather = (piece: Buffer): boolean => {
    if (piece.length >= TOGETHER) {
      flush()
      return push(piece)
    }
    const wantsMore = used + piece.length <= TOGETHER || flush()
    kept ??= Buffer.allocUnsafeSlow(TOGETHER)
    used += piece.copy(kept, used)
    return wantsMore
  }

  request.push = (piece: Buffer | null, encoding) => {
    if (piece === null) {
      if (lone !== null) push(lone)
      flush()
      return push(null, encoding)
    }
    if (++pieces <= PIECES_MAX) return keep(piece)
    if (pieces === PIECES_MAX + 1) exceeded()
    return false
  }
}
