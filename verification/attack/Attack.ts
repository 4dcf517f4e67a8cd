/** What an attack is: a client that has no credentials, or one that has them and asks too much, for a bounded time with bounded means. */

export interface Target {
  readonly apiPort: number
  readonly hookPort: number
  readonly apiSecret: string
  readonly hookSecret: string
}

export interface Means {
  readonly target: Target
  readonly seed: number
  /** Until then, by `performance.now()`. */
  readonly until: number
  readonly spent: Spent
}

export interface Spent {
  bytes: number
  connections: number
  /** Requests that had an answer, where the attack reads answers. */
  answers: number
}

export interface Attack {
  readonly name: string
  readonly run: (means: Means) => Promise<void>
}
