/**
 * A QR code on a terminal, two rows of modules a line by half blocks: dark on light whatever the terminal's colours are, because many
 * phones read no other, and with the quiet zone that the standard (ISO/IEC 18004) asks for.
 */
import { encode } from "uqr"

export type Modules = ReadonlyArray<ReadonlyArray<boolean>>

/** Modules of light on each side. */
export const QUIET_ZONE = 4

/** `true` is dark; `null` when the text is longer than a code can hold. Level L, or a better one in the same size: a screen has no scratches. */
export const modulesOf = (text: string): Modules | null => {
  try {
    return encode(text, { border: 0, ecc: "L", boostEcc: true }).data
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

// Black on white of the 256 colours: the first sixteen, which "black" and "white" are of, have the theme's colours.
const DARK_ON_LIGHT = "\x1b[38;5;16;48;5;231m"
const RESET = "\x1b[0m"

const halfBlock = (upper: boolean, lower: boolean): string => (upper ? (lower ? "█" : "▀") : lower ? "▄" : " ")

/** Lines of equal width, each with its colours, so that a scrolled or copied one is whole. */
export const draw = (modules: Modules): ReadonlyArray<string> => {
  const size = modules.length + 2 * QUIET_ZONE
  const isDark = (row: number, column: number) => modules[row - QUIET_ZONE]?.[column - QUIET_ZONE] ?? false
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) => {
    const blocks = Array.from({ length: size }, (_, column) =>
      halfBlock(isDark(2 * line, column), isDark(2 * line + 1, column))
    )
    return `${DARK_ON_LIGHT}${blocks.join("")}${RESET}`
  })
}

/** What the code is to be shown on. */
export interface Screen {
  readonly isTerminal: boolean
  readonly hasColors: boolean
  readonly columns: number
  readonly rows: number
}

const HOLDS_THE_KEY = "It holds the key: a photograph of this screen is enough to publish with it."

/** The code with what it is for, or a line on why there is none. */
export const qrSection = (text: string, how: string, { isTerminal, hasColors, columns, rows }: Screen): string => {
  if (!isTerminal) return "No QR code: standard output is no terminal that can show one."
  if (!hasColors) return "No QR code: colours are off (NO_COLOR), and phones read dark on light alone."
  const modules = modulesOf(text)
  if (modules === null) return "No QR code: the address is too long for one."
  const width = modules.length + 2 * QUIET_ZONE
  if (width > columns) {
    return `No QR code: it takes ${width} columns, and this terminal has ${columns}. Type in the address above.`
  }
  const lines = draw(modules)
  const tall = `It takes ${lines.length} lines, and this terminal has ${rows}: make its text smaller to see the whole code.`
  return [`QR code. ${how}\n${HOLDS_THE_KEY}`, lines.join("\n"), ...(lines.length > rows ? [tall] : [])].join("\n\n")
}
