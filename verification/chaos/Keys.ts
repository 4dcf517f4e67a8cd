/**
 * The keys of the chaos run, and what the operator was told about each: from when on it was dead, and from when on it may have been
 * alive again. What was not acknowledged counts as unknown.
 */
import { Effect } from "effect"
import type { Api, IssuedKey, StreamKey } from "../worlds/Api.ts"
import type { Rng } from "../worlds/Rng.ts"
import { now } from "./Windows.ts"

export interface Dead {
  readonly why: "revoked" | "disabled" | "expired"
  readonly from: number
  /** When it was asked to be enabled again. */
  to: number
}

export interface HeldKey {
  readonly key: IssuedKey
  readonly dead: Array<Dead>
  /** Something that was asked of it was not acknowledged: it may or may not have happened. */
  isDoubtful: boolean
}

export interface Keys {
  /** A new key, as soon as one can be had. */
  readonly take: Effect.Effect<HeldKey>
  readonly all: ReadonlyMap<string, HeldKey>
  readonly deadAt: (keyId: string, time: number) => Dead | undefined
  /** One thing that operators do, to one of the keys that publish; what it was. */
  readonly operate: (inUse: ReadonlyArray<HeldKey>) => Effect.Effect<string>
  /** What was acknowledged and is not so, each in a sentence. */
  readonly lost: Effect.Effect<ReadonlyArray<string>>
  readonly counts: () => { readonly revoked: number; readonly stopped: number }
}

/** What the key's status may be, after all that was acknowledged. */
const statusesOf = ({ dead, isDoubtful }: HeldKey): ReadonlyArray<string> => {
  const is = (why: Dead["why"]) => dead.some((death) => death.why === why && death.to === Number.POSITIVE_INFINITY)
  if (is("revoked")) return ["revoked"]
  if (isDoubtful) return is("expired") ? ["revoked", "expired"] : ["revoked", "expired", "disabled", "active", "in_use"]
  return is("expired") ? ["expired"] : is("disabled") ? ["disabled"] : ["active", "in_use"]
}

const acknowledged = (status: number) => status >= 200 && status < 300

export const makeKeys = Effect.fnUntraced(function* (api: Api, rng: Rng) {
  const all = new Map<string, HeldKey>()
  const stopped: Array<string> = []
  const studio = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "Chaos" })

  const take: Keys["take"] = Effect.gen(function* () {
    while (true) {
      const { status, body } = yield* api.call<IssuedKey>("POST", "/stream-keys", { broadcaster_id: studio.body.id })
      if (status === 201) {
        const held: HeldKey = { key: body, dead: [], isDoubtful: false }
        all.set(body.id, held)
        return held
      }
      yield* Effect.sleep("250 millis")
    }
  })

  const die = (held: HeldKey, why: Dead["why"], from: number) =>
    held.dead.push({ why, from, to: Number.POSITIVE_INFINITY })

  /** Until there is an answer that says what became of it, the key is a doubtful one. */
  const tell = Effect.fnUntraced(function* (held: HeldKey, method: "DELETE" | "PATCH", body?: unknown) {
    const before = held.isDoubtful
    held.isDoubtful = true
    const { status } = yield* api.call(method, `/stream-keys/${held.key.id}`, body)
    if (status !== 0 && status < 500) held.isDoubtful = before
    return status
  })
  const revoke = Effect.fnUntraced(function* (held: HeldKey) {
    const status = yield* tell(held, "DELETE")
    if (acknowledged(status)) die(held, "revoked", now())
    return status
  })
  const expire = Effect.fnUntraced(function* (held: HeldKey) {
    const at = Date.now() + rng.between(500, 2_000)
    const status = yield* tell(held, "PATCH", { expires_at: new Date(at).toISOString() })
    if (acknowledged(status)) die(held, "expired", Math.max(at, now()))
    return status
  })
  const disable = Effect.fnUntraced(function* (held: HeldKey) {
    const status = yield* tell(held, "PATCH", { enabled: false })
    if (acknowledged(status)) die(held, "disabled", now())
    return status
  })
  const enable = Effect.fnUntraced(function* (held: HeldKey) {
    const disabled = held.dead.find(({ why, to }) => why === "disabled" && to === Number.POSITIVE_INFINITY)
    if (disabled !== undefined) disabled.to = now()
    return yield* tell(held, "PATCH", { enabled: true })
  })
  const stop = Effect.fnUntraced(function* ({ key }: HeldKey) {
    const [stream] = yield* api.streams(`stream_key_id=${key.id}&status=connecting,active`)
    if (stream === undefined) return null
    const { status } = yield* api.call("DELETE", `/streams/${stream.id}`)
    if (acknowledged(status)) stopped.push(stream.id)
    return status
  })

  const deeds = { revoke, expire, disable, enable, stop }
  const keys: Keys = {
    take,
    all,
    deadAt: (keyId, time) => all.get(keyId)?.dead.find(({ from, to }) => from <= time && time < to),
    operate: Effect.fnUntraced(function* (inUse) {
      const held = rng.pick(inUse)
      const disabled = [...all.values()].filter(({ dead }) =>
        dead.some(({ why, to }) => why === "disabled" && to === Number.POSITIVE_INFINITY)
      )
      const name = rng.weighted([
        [3, "revoke"],
        [2, "expire"],
        [2, "disable"],
        [disabled.length === 0 ? 0 : 2, "enable"],
        [2, "stop"]
      ] as const)
      const status = yield* deeds[name](name === "enable" ? rng.pick(disabled) : held)
      const answer =
        status === null ? "of nobody" : status === 0 ? "unanswered" : acknowledged(status) ? "acknowledged" : status
      return `${name} ${answer}`
    }),
    lost: Effect.gen(function* () {
      const complaints: Array<string> = []
      for (const held of all.values()) {
        const { status, body } = yield* api.call<StreamKey>("GET", `/stream-keys/${held.key.id}`)
        const may = statusesOf(held)
        if (status !== 200) complaints.push(`key ${held.key.id} was issued, and is answered with ${status}`)
        else if (!may.includes(body.status)) {
          complaints.push(`key ${held.key.id} should be ${may.join(" or ")}, and is ${body.status}`)
        }
      }
      for (const id of stopped) {
        const { status } = yield* api.stream(id)
        if (status !== "inactive") complaints.push(`stream ${id} was told to stop, and is ${status}`)
      }
      return complaints
    }),
    counts: () => ({
      revoked: [...all.values()].filter(({ dead }) => dead.some(({ why }) => why === "revoked")).length,
      stopped: stopped.length
    })
  }
  return keys
})
