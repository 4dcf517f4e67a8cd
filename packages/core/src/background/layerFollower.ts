/** For a process that serves requests and leaves reconciling to others: it reads what the leader leaves in the lease, and never leads. */
import { Effect, Layer } from "effect"
import { layerOwnRuntime } from "../EffectCopy.ts"
import { replacePorts } from "../ports/Repositories.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { sharedWithAuth } from "./sharedWithAuth.ts"

/** A lease of no time is read and not held: it has run out when it comes. */
const READ_ONLY_MS = 0
/** While no process leads there is nothing to wait for: a pass a second, as a leader has. */
const READ_AGAIN_MS = 1_000

const readingLeases = replacePorts(({ leases }) => ({
  leases: {
    ...leases,
    acquire: (holder, _) =>
      Effect.map(leases.acquire(holder, READ_ONLY_MS), (lease) => ({
        ...lease,
        held: false,
        leftMillis: Math.max(lease.leftMillis, READ_AGAIN_MS)
      }))
  }
}))

/** As `layerBackground`, with a reconciler that never leads. */
export const layerFollower = Reconciler.layer.pipe(
  Layer.provide(readingLeases),
  Layer.provideMerge(sharedWithAuth),
  Layer.provide(layerOwnRuntime)
)
