/** How long a statement may wait and run, for each client, and how PostgreSQL is asked to hold to it. */
import { Context } from "effect"

/** Multiplies the limits of locks, statements and answers: for tests on busy machines. */
export const Patience = Context.Reference<number>("greenroom/postgres/Patience", { defaultValue: () => 1 })

export interface Limits {
  /** A use without an answer within this fails. */
  readonly answerMillis: number
  readonly lockMillis: number
  readonly statementMillis: number
}

/** A frozen process of ours must not keep the locks of its transaction for longer than this: the lease, whose row may be one of them, lasts 3 s. */
const IDLE_IN_TRANSACTION_MS = 2_500

export const settingsOf = ({ lockMillis, statementMillis }: Limits) => ({
  lock_timeout: String(lockMillis),
  statement_timeout: String(statementMillis),
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS)
})

/** The same limits for the transaction that begins with this statement. */
export const limitTransaction = (limits: Limits) => {
  const settings = Object.entries(settingsOf(limits))
  return `select ${settings.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(", ")}`
}

/**
 * A condition that is true, and limits the statement's later waits for locks of rows. PostgreSQL evaluates it once, before it reads
 * the first row. The statement's own time cannot be limited from inside.
 */
export const limitsLocks = (lockMillis: number): string =>
  `(select set_config('lock_timeout', '${lockMillis}', true)) is not null`

/** In each: a lock fails first, then the statement, then the use, so that the reason of a failure is known. */
export const limits = {
  /** `/auth` has 0.8 s for everything. */
  admission: { answerMillis: 700, lockMillis: 300, statementMillis: 600 },
  /** The lease lasts 3 s, and its holder makes several calls within them. */
  reconciler: { answerMillis: 1_200, lockMillis: 800, statementMillis: 1_000 },
  /** A dead connection fails its caller well within 5 s. */
  general: { answerMillis: 3_500, lockMillis: 1_500, statementMillis: 3_000 }
} as const satisfies Record<string, Limits>

export const patient = ({ answerMillis, lockMillis, statementMillis }: Limits, patience: number): Limits => ({
  answerMillis: answerMillis * patience,
  lockMillis: lockMillis * patience,
  statementMillis: statementMillis * patience
})
