/** Who runs the use cases of this context. */
import { Context } from "effect"
import { type Caller, noOrigin } from "../domain/identity/Caller.ts"

/** The caller of the use cases that run in this context: the embedding program, which may do everything, unless another is provided. */
export const CurrentCaller = Context.Reference<Caller>("greenroom/CurrentCaller", {
  defaultValue: () => ({ actor: { _tag: "Application", name: null }, scopes: ["admin"], only: null, origin: noOrigin })
})
