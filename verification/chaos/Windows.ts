/** The times in which something was down or frozen: what is promised, is promised outside of them. */

export interface Window {
  readonly from: number
  /** `Infinity` while it lasts. */
  to: number
}

/** Milliseconds since the epoch, as everything in the chaos run. */
export const now = (): number => performance.timeOrigin + performance.now()

/** The longest time from `since`, or from the end of a window after it, to one of these times (in order) with no window in between. */
export const longestOutside = (
  times: ReadonlyArray<number>,
  since: number,
  windows: ReadonlyArray<Window>
): { readonly millis: number; readonly at: number } => {
  let begin = since
  let longest = { millis: 0, at: since }
  for (const time of times) {
    for (const { from, to } of windows) {
      if (from <= time && to > begin) begin = to
    }
    if (time - begin > longest.millis) longest = { millis: time - begin, at: time }
  }
  return longest
}
