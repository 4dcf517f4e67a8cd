/**
 * A Greenroom process as its ports see it: something that makes calls, may die or freeze at any of them, and hears of answers only
 * while it lives and is awake.
 */
export interface Caller {
  /** The holder's name; never the same for two processes. */
  readonly name: string
  /** Asked before each port call: whether it goes out at all. The process may die or freeze by it. */
  readonly mayCall: (operation: string) => boolean
  /** Runs now, after the thaw, or never. */
  readonly deliver: (run: () => void) => void
}
