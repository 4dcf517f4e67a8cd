/**
 * Splits a child's output into lines without trusting it to ever end one: of a line that is longer than `limit` characters only
 * the beginning is kept, and the reader is told so. What a line means, and what must not be shown of it, is the reader's.
 */
export interface BoundedLines {
  readonly push: (chunk: string) => void
  /** The last line, when the output ended without a line feed. */
  readonly end: () => void
}

/** `onLine` gets each line that is not empty, without its ending; `cut` says that its rest was dropped. */
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
