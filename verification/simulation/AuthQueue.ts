/**
 * MediaMTX's process-wide turn: it asks about one client at a time. While one is being asked about, its paths list and changes of its
 * configuration wait in the same line; while any RTSP client waits or is asked about, calls about RTSP sessions do.
 */
export interface AuthQueue {
  /** Runs when it is its turn; the turn ends when `leave` is called. */
  readonly enter: (run: (leave: () => void) => void) => void
  readonly rtspBegins: () => void
  readonly rtspEnds: () => void
  /** Runs as soon as no RTSP client is waiting to be let in. */
  readonly whenRtspAnswers: (run: () => void) => void
}

export const makeAuthQueue = (): AuthQueue => {
  const line: Array<(leave: () => void) => void> = []
  let busy = false
  let rtsp = 0
  let waiting: Array<() => void> = []

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
    rtspBegins: () => {
      rtsp += 1
    },
    rtspEnds: () => {
      rtsp -= 1
      if (rtsp > 0) return
      const those = waiting
      waiting = []
      for (const run of those) run()
    },
    whenRtspAnswers: (run) => {
      if (rtsp === 0) run()
      else waiting.push(run)
    }
  }
}
