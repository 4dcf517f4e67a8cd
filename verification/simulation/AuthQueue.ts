/**
 * MediaMTX's process-wide turn: it asks about one client at a time. While one is being asked about, its paths list and changes of its
 * configuration wait in the same line; while any RTSP client waits or is asked about, calls about RTSP sessions do, and so with HLS.
 */
/** Of which family the calls about sessions wait. */
export type Hanging = "rtsp" | "hls"

export interface AuthQueue {
  /** Runs when it is its turn; the turn ends when `leave` is called. */
  readonly enter: (run: (leave: () => void) => void) => void
  readonly begins: (family: Hanging) => void
  readonly ends: (family: Hanging) => void
  /** Runs as soon as no client of the family is waiting to be let in. */
  readonly whenAnswers: (family: Hanging, run: () => void) => void
}

export const makeAuthQueue = (): AuthQueue => {
  const line: Array<(leave: () => void) => void> = []
  let busy = false
  const asking = { rtsp: 0, hls: 0 }
  const waiting: Record<Hanging, Array<() => void>> = { rtsp: [], hls: [] }

  const next = () => {
    const run = line.shift()
    if (run === undefined) {
      busy = false
      return
    }
    busy = true
    let left = false
    run(() => {
      if (left) return
      left = true
      next()
    })
  }
  return {
    enter: (run) => {
      line.push(run)
      if (!busy) next()
    },
    begins: (family) => {
      asking[family] += 1
    },
    ends: (family) => {
      asking[family] -= 1
      if (asking[family] > 0) return
      const those = waiting[family]
      waiting[family] = []
      for (const run of those) run()
    },
    whenAnswers: (family, run) => {
      if (asking[family] === 0) run()
      else waiting[family].push(run)
    }
  }
}
