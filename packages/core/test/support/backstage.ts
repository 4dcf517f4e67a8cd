/** The use case of an auth call on a stage, with a reconciler that only notes what it is told. */
import { authenticate, DuplicatePolicy, type PublishRequest, Reconciler } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"
import { keyValue, makeStage } from "./stage.ts"

/** With keys 1 and 2; `ask` asks for `live/1` with key 1 on the connection `new`, unless told otherwise. */
export const backstage = (onDuplicate: "refuse" | "takeover" | null = null) => {
  const stage = makeStage()
  stage.addKey(1)
  stage.addKey(2)
  const told = { wakes: 0, regrets: [] as Array<string>, failures: 0 }
  const store = { answers: true }
  const wake = Effect.sync(() => {
    told.wakes++
  })
  const reconciler = Layer.succeed(Reconciler)({
    wake,
    wakeSoon: wake,
    nextPass: Effect.void,
    lastSnapshot: Effect.succeed(null),
    warnings: Effect.succeed([]),
    receiveHook: () => Effect.void,
    admissionLost: (id) => Effect.sync(() => void told.regrets.push(id)),
    isLost: (id) => Effect.sync(() => told.regrets.includes(id)),
    reportStoreFailure: Effect.sync(() => void told.failures++),
    isStoreUp: Effect.sync(() => store.answers)
  })
  const policy = onDuplicate === null ? Layer.empty : Layer.succeed(DuplicatePolicy)(onDuplicate)
  const layer = Layer.mergeAll(stage.layer, reconciler, policy)
  const ask = (more: Partial<PublishRequest> & { readonly n?: number | null } = {}) => {
    const { n = 1, ...fields } = more
    const key = n === null ? null : Redacted.make(keyValue(n))
    const request = { _tag: "Publish", path: "live/1", protocol: "rtmp", sourceId: "new", key, ...fields } as const
    return authenticate(request).pipe(Effect.provide(layer))
  }
  return { stage, store, told, layer, ask }
}
