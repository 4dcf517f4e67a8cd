/** Percent-encoded text as a person reads it, to look for keys in it. */

/** Any percent-encoded byte, at whatever depth: each program on the way may have encoded it once more. */
const encodedByte = /%(?:25)*([0-9A-Fa-f]{2})/g

export const unescaped = (text: string): string =>
  text.replace(encodedByte, (_, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code < 128 ? String.fromCharCode(code) : " "
  })
