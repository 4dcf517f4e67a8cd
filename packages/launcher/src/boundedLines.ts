/**
 * Splits a child's output into lines with bounded memory, because a child may never end a line. Of a line longer than `limit`
 * characters only the beginning is kept, and `cut` is set. The caller interprets the lines and removes secrets from them.
 */
export interface BoundedLines {
  readonly push: (chunk: string) => void
  /** The last line, when the output ended without a line feed. */
  readonly end: () => void
}

/** Calls `onLine` for each line that is not empty, without its line ending. `cut`: the rest of the line was dropped. */
export const boundedLines = (limit: number, onLine: (line: string, cut: boolean) => void): BoundedLines => {
  let held = ""
  let cut = false
  const end = () => {
    const line = held.endsWith("\r") ? held.slice(0, -1) : held
    const wasCut = cut
    held = ""
    cut = false
    if (line !== "") onLine(line, wasCut)
  }
  const take = (part: string) => {
    const room = limit - held.length
    if (part.length > room) cut = true
    held += part.slice(0, room)
  }
  return {
    push: (chunk) => {
      const parts = chunk.split("\n")
      parts.forEach((part, index) => {
        if (index > 0) end()
        take(part)
      })
    },
    end
  }
}
