/**
 * How many pieces a body may come in. Each chunk of a chunked body costs the parser and the stream 2 to 5 µs, whatever it holds, so 64 KiB in
 * chunks of one byte cost a hundred times what they cost in one. A body that is worth sending has at least 16 bytes a piece.
 */
import type { IncomingMessage } from "node:http"

export const PIECES_MAX = 4_096

/** Calls `exceeded`, once, with the piece that is too many; it and those behind it are dropped. */
export const limitPieces = (request: IncomingMessage, exceeded: () => void): void => {
  const push = request.push.bind(request)
  let pieces = 0
  request.push = (piece, encoding) => {
    if (piece === null || ++pieces <= PIECES_MAX) return push(piece, encoding)
    if (pieces === PIECES_MAX + 1) exceeded()
    return false
  }
}
