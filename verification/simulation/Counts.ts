/** What a run has seen, by name: which faults struck, which transitions sessions made, and what else is worth a number. */
export interface Tally {
  readonly faults: Record<string, number>
  readonly transitions: Record<string, number>
  readonly notes: Record<string, number>
}

export interface Counts {
  readonly tally: Tally
  readonly fault: (name: string) => void
  readonly transition: (name: string) => void
  readonly note: (name: string) => void
}

export const emptyTally = (): Tally => ({ faults: {}, transitions: {}, notes: {} })

const add = (into: Record<string, number>, name: string, count: number): void => {
  into[name] = (into[name] ?? 0) + count
}

export const makeCounts = (): Counts => {
  const tally = emptyTally()
  return {
    tally,
    fault: (name) => add(tally.faults, name, 1),
    transition: (name) => add(tally.transitions, name, 1),
    note: (name) => add(tally.notes, name, 1)
  }
}

export const addTally = (into: Tally, more: Tally): void => {
  for (const kind of ["faults", "transitions", "notes"] as const) {
    for (const [name, count] of Object.entries(more[kind])) add(into[kind], name, count)
  }
}
