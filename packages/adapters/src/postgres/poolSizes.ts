/** How many connections each of the three clients opens at most. */

export interface PoolSizes {
  readonly admission: number
  readonly reconciler: number
  readonly general: number
}

export const poolNames = ["admission", "reconciler", "general"] as const satisfies ReadonlyArray<keyof PoolSizes>

/** Three instances fit into PostgreSQL's default of 100. */
export const connections = { admission: 20, reconciler: 3, general: 7 } as const satisfies PoolSizes

/** Of each client. A client with more would wait for the database and not for a connection. */
export const MOST_CONNECTIONS = 200

/** Throws when a size is not a whole number from 1 to `MOST_CONNECTIONS`. */
export const poolSizes = (given: Partial<PoolSizes> = {}): PoolSizes => {
  const sizes = { ...connections, ...given }
  for (const name of poolNames)
    if (!Number.isInteger(sizes[name]) || sizes[name] < 1 || sizes[name] > MOST_CONNECTIONS)
      throw new Error(`The pool ${name} is refused: expected 1 to ${MOST_CONNECTIONS} connections`)
  return sizes
}
