/** Whether API, store and media server say the same of every path, look by look, and for how long one of them did not. */

/** Path to the id of its source. */
export type OnAir = ReadonlyMap<string, string>

export interface Views {
  readonly api: OnAir
  readonly store: OnAir
  readonly mediaServer: OnAir
}

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What each of the three says, or why one of them says nothing. */
  readonly seen: Views | string
}

/** Path to what is said of it; none when the three agree. One that says nothing differs on a path of its own. */
const differences = ({ seen }: Look): ReadonlyMap<string, string> => {
  if (typeof seen === "string") return new Map([["", seen]])
  const { api, store, mediaServer } = seen
  const paths = new Set([...api.keys(), ...store.keys(), ...mediaServer.keys()])
  return new Map(
    [...paths].flatMap((path) => {
      const [a, s, m] = [api.get(path), store.get(path), mediaServer.get(path)]
      return a === s && s === m ? [] : [[path, `${path}: API ${a}, store ${s}, MediaMTX ${m}`] as const]
    })
  )
}

export interface Agreement {
  /** The first look at which they agreed of all paths, in milliseconds from the beginning; `null` when there was none. */
  readonly first: number | null
  /** The longest time for which they differed, look after look, on one path, and what they said last. */
  readonly longest: { readonly millis: number; readonly what: string }
  /** How many paths somebody was on at the last look. */
  readonly paths: number
}

/** From `since` on, which is before the first of the looks; they are in order. */
export const agreementOf = (looks: ReadonlyArray<Look>, since: number): Agreement => {
  const begun = new Map<string, number>()
  let first: number | null = null
  let longest = { millis: 0, what: "" }
  let before = since
  for (const look of looks) {
    const now = differences(look)
    if (now.size === 0) first ??= look.at - since
    for (const path of begun.keys()) if (!now.has(path)) begun.delete(path)
    for (const [path, what] of now) {
      // It may have begun right after the look before.
      if (!begun.has(path)) begun.set(path, before)
      const millis = look.at - begun.get(path)!
      if (millis > longest.millis) longest = { millis, what }
    }
    before = look.at
  }
  const last = looks.at(-1)?.seen
  return { first, longest, paths: last === undefined || typeof last === "string" ? 0 : last.mediaServer.size }
}
