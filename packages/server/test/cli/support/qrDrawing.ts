/** A drawn QR code read again, as a camera would: from what each character shows of its two modules. */
import { stripVTControlCharacters } from "node:util"
import { type Modules, QUIET_ZONE } from "../../../src/cli/qrCode.ts"

const shown: Readonly<Record<string, readonly [upper: boolean, lower: boolean]>> = {
  " ": [false, false],
  "▀": [true, false],
  "▄": [false, true],
  "█": [true, true]
}

/** The lines of a text that are a code's. */
export const linesOfCode = (text: string): ReadonlyArray<string> =>
  text.split("\n").filter((line) => line.startsWith("\u001b[38;5;16;48;5;231m"))

/** The modules within the quiet zone, which has to be there and light. */
export const modulesOfDrawing = (lines: ReadonlyArray<string>): Modules => {
  const cells = lines.map((line) => [...stripVTControlCharacters(line)].map((character) => shown[character]!))
  const rows = cells.flatMap((line) => [line.map(([upper]) => upper), line.map(([, lower]) => lower)])
  const size = (rows[0]?.length ?? 0) - 2 * QUIET_ZONE
  const isInside = (index: number) => index >= QUIET_ZONE && index < QUIET_ZONE + size
  const outside = rows.flatMap((row, y) => row.filter((_, x) => !isInside(y) || !isInside(x)))
  if (outside.some((dark) => dark)) throw new Error("The quiet zone is not light.")
  return rows.slice(QUIET_ZONE, QUIET_ZONE + size).map((row) => row.slice(QUIET_ZONE, QUIET_ZONE + size))
}
