/** Keys that are issued and revoked all the while, and what of it was acknowledged: none of that may be lost, whatever breaks. */
import { Effect } from "effect"
import type { Api, IssuedKey, StreamKey } from "./Api.ts"

export interface EventRecorder {
  readonly issued: () => number
  readonly revoked: () => number
  /** What was acknowledged and is not so, each in a sentence. */
  readonly lost: Effect.Effect<ReadonlyArray<string>>
}

const PAUSE = "100 millis"

/** Issues and revokes until its scope closes. */
export const recordEvents = Effect.fnUntraced(function* (api: Api) {
  const issued = new Set<string>()
  const revoked = new Set<string>()
  const studio = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "EventRecorder" })
  const step = Effect.gen(function* () {
    const order = { broadcaster_id: studio.body.id, label: "of the recorder" }
    const made = yield* api.once<IssuedKey>("POST", "/stream-keys", order)
    if (made.status !== 201) return
    issued.add(made.body.id)
    const { status } = yield* api.once("DELETE", `/stream-keys/${made.body.id}`)
    if (status === 204 || status === 202) revoked.add(made.body.id)
  })
  yield* step.pipe(Effect.andThen(Effect.sleep(PAUSE)), Effect.forever, Effect.forkScoped)
  const recorder: EventRecorder = {
    issued: () => issued.size,
    revoked: () => revoked.size,
    lost: Effect.gen(function* () {
      const complaints: Array<string> = []
      for (const id of issued) {
        const { status, body } = yield* api.call<StreamKey>("GET", `/stream-keys/${id}`)
        if (status !== 200) complaints.push(`key ${id} was issued, and is answered with ${status}`)
        else if (revoked.has(id) && body.status !== "revoked")
          complaints.push(`key ${id} was revoked, and is ${body.status}`)
      }
      return complaints
    })
  }
  return recorder
})
