/** Loaded before the service (`NODE_OPTIONS=--import`): its clock is wrong by `CLOCK_SKEW_MS`. */
const skew = Number(process.env.CLOCK_SKEW_MS ?? 0)
const RightDate = Date
const rightNow = Date.now.bind(Date)

class SkewedDate extends RightDate {
  constructor(...given: ReadonlyArray<unknown>) {
    if (given.length === 0) super(rightNow() + skew)
    // A tuple of one to seven parts, which the types of `Date` name one by one.
    else super(...(given as [number]))
  }
  static override now() {
    return rightNow() + skew
  }
}

globalThis.Date = SkewedDate as DateConstructor
Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + skew })
