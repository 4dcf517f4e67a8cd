/**
 * The keys of the storm, and what the operator was told about each: from when on it was dead, and from when on it may have been
 * alive again. What was not acknowledged counts as unknown.
 */
import { Effect } from "effect"
import type { Api, IssuedKey } from "../packages/server/test/scenarios/Api.ts"
import type { Dice } from "../simulation/Dice.ts"
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
}

export interface Keys {
  /** A new key, as soon as one can be had. */
  readonly take: Effect.Effect<HeldKey>
  readonly all: ReadonlyMap<string, HeldKey>
  readonly deadAt: (keyId: string, time: number) => Dead | undefined
  /** One thing that operators do, to one of the keys that publish; what it was. */
  readonly operate: (inUse: ReadonlyArray<HeldKey>) => Effect.Effect<string>
}

const acknowledged = (status: number) => status >= 200 && status < 300

export const makeKeys = Effect.fnUntraced(function* (api: Api, dice: Dice) {
  const all = new Map<string, HeldKey>()
  const studio = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "Storm" })

  const take: Keys["take"] = Effect.gen(function* () {
    while (true) {
      const { status, body } = yield* api.call<IssuedKey>("POST", "/stream-keys", { broadcaster_id: studio.body.id })
      if (status === 201) {
        const held: HeldKey = { key: body, dead: [] }
        all.set(body.id, held)
        return held
      }
      yield* Effect.sleep("250 millis")
    }
  })

  const die = (held: HeldKey, why: Dead["why"], from: number) =>
    held.dead.push({ why, from, to: Number.POSITIVE_INFINITY })

  const revoke = Effect.fnUntraced(function* ({ key, dead }: HeldKey) {
    const { status } = yield* api.call("DELETE", `/stream-keys/${key.id}`)
    if (acknowledged(status)) die({ key, dead }, "revoked", now())
    return status
  })
  const expire = Effect.fnUntraced(function* (held: HeldKey) {
    const at = Date.now() + dice.between(500, 2_000)
    const body = { expires_at: new Date(at).toISOString() }
    const { status } = yield* api.call("PATCH", `/stream-keys/${held.key.id}`, body)
    if (acknowledged(status)) die(held, "expired", Math.max(at, now()))
    return status
  })
  const disable = Effect.fnUntraced(function* (held: HeldKey) {
    const path = `/stream-keys/${held.key.id}`
    const { status } = yield* api.call("PATCH", path, { enabled: false })
    if (acknowledged(status)) die(held, "disabled", now())
    return status
  })
  const enable = Effect.fnUntraced(function* (held: HeldKey) {
    const disabled = held.dead.find(({ why, to }) => why === "disabled" && to === Number.POSITIVE_INFINITY)
    if (disabled !== undefined) disabled.to = now()
    return (yield* api.call("PATCH", `/stream-keys/${held.key.id}`, { enabled: true })).status
  })
  const stop = Effect.fnUntraced(function* ({ key }: HeldKey) {
    const [stream] = yield* api.streams(`stream_key_id=${key.id}&status=connecting,active`)
    return stream === undefined ? 0 : (yield* api.call("DELETE", `/streams/${stream.id}`)).status
  })

  const deeds = { revoke, expire, disable, enable, stop }
  const keys: Keys = {
    take,
    all,
    deadAt: (keyId, time) => all.get(keyId)?.dead.find(({ from, to }) => from <= time && time < to),
    operate: Effect.fnUntraced(function* (inUse) {
      const held = dice.pick(inUse)
      const disabled = [...all.values()].filter(({ dead }) =>
        dead.some(({ why, to }) => why === "disabled" && to === Number.POSITIVE_INFINITY)
      )
      const name = dice.weighted([
        [3, "revoke"],
        [2, "expire"],
        [2, "disable"],
        [disabled.length === 0 ? 0 : 2, "enable"],
        [2, "stop"]
      ] as const)
      const status = yield* deeds[name](name === "enable" ? dice.pick(disabled) : held)
      return `${name} ${status === 0 ? "unanswered" : acknowledged(status) ? "acknowledged" : status}`
    })
  }
  return keys
})
