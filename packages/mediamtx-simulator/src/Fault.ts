/** What can be wrong with a simulated control API, besides the server being down. */
import type { Duration } from "effect"

export type Fault = {
  /** Only requests whose URL contains this; all of them by default. */
  readonly only?: string
} & (
  | { readonly _tag: "Frozen" }
  | { readonly _tag: "Slow"; readonly by: Duration.Input }
  | { readonly _tag: "Status"; readonly status: number; readonly body?: string; readonly location?: string }
  /** Lists leave out half of their items, and count them all. */
  | { readonly _tag: "HalfList" }
  /** 200, and no JSON. */
  | { readonly _tag: "Garbage" }
  /** Closes the connection instead of an answer. */
  | { readonly _tag: "HangUp" }
)
