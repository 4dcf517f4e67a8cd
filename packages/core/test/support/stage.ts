/**
 * A small honest world for the use cases: a store that keeps the laws of its ports, a media server with connections, and a list of
 * every call. `before` runs something in front of a call: a failure, a wait, or what somebody else does at that very moment.
 * It is no adapter: it knows one media server, one time, and keeps everything.
 */
import { createHash } from "node:crypto"
import {
  type KeyFacts,
  KeyGenerator,
  type KeyValue,
  OperatorSecret,
  ReconcilePolicy,
  type SessionChange,
  type SessionState
} from "@greenroom/core"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { broadcasterId, keyId, streamId, uuid } from "./arbitraries.ts"
import { makeCalls } from "./calls.ts"
import { makeMediaServer } from "./mediaServer.ts"
import { hex, makeStore, type Row } from "./store.ts"

export { mediaServerDown, storeDown, storeRefuses } from "./calls.ts"
export type { Connection } from "./mediaServer.ts"
export type { Row } from "./store.ts"

export const sha256 = (text: string): Uint8Array => new Uint8Array(createHash("sha256").update(text).digest())
export const OPERATOR_SECRET = "the operator's secret"
/** A stream key's value that tells which one it is. */
export const keyValue = (n: number): string => `sk_${n.toString().padStart(4, "k")}${"x".repeat(39)}`

export const makeStage = () => {
  const { calls, before, port } = makeCalls()
  const { rows, keys, lease, move, insert, ...store } = makeStore(port)
  const { connections, server, connect, ...mediaServer } = makeMediaServer(port)
  const policy = {
    holder: "me",
    unauthorized: "kick" as "kick" | "report",
    massKickLimit: 10,
    enforce: false
  }
  let minted = 0
  const layer = Layer.mergeAll(
    store.layer,
    mediaServer.layer,
    Layer.succeed(KeyGenerator)({
      generate: Effect.sync(() => Redacted.make(keyValue(++minted))),
      uuid: Effect.sync(() => uuid(0xabc000 + ++minted)),
      hash: (key: KeyValue) => sha256(Redacted.value(key))
    }),
    Layer.succeed(OperatorSecret)({ hash: sha256(OPERATOR_SECRET) }),
    Layer.succeed(ReconcilePolicy)(policy)
  )

  return {
    rows,
    keys,
    connections,
    calls,
    before,
    lease,
    server,
    policy,
    layer,
    connect,
    /** The names of the calls so far, or of those that begin so. */
    called: (prefix = ""): ReadonlyArray<string> =>
      calls.map((call) => call.name).filter((name) => name.startsWith(prefix)),
    addKey: (n: number, more: Partial<KeyFacts> = {}): KeyFacts => {
      const key: KeyFacts = {
        id: keyId(n),
        prefix: keyValue(n).slice(0, 7),
        broadcasterId: broadcasterId(1),
        path: null,
        enabled: true,
        expiresAt: null,
        revokedAt: null,
        ...more
      }
      keys.set(hex(sha256(keyValue(n))), key)
      return key
    },
    changeKey: (n: number, more: Partial<KeyFacts>): void => {
      const hash = hex(sha256(keyValue(n)))
      keys.set(hash, { ...keys.get(hash)!, ...more })
    },
    /** A session of key `n` on `live/n` with the source `source-n`, admitted at `at` (in milliseconds of the test clock). */
    addSession: (n: number, at = 0, more: Partial<Pick<Row, "path" | "source" | "streamKeyId">> = {}): Row =>
      insert(
        {
          streamId: streamId(n),
          streamKeyId: keyId(n),
          path: `live/${n}`,
          source: { protocol: "rtmp", id: `source-${n}` },
          ...more
        },
        DateTime.makeUnsafe(at)
      ),
    move: (n: number, happening: SessionChange, at = 0): void => {
      if (!move(rows.get(streamId(n)), happening, DateTime.makeUnsafe(at)))
        throw new Error("the state machine refused it")
    },
    moveRow: move,
    state: (n: number): SessionState["_tag"] | undefined => rows.get(streamId(n))?.state._tag,
    /** With what reason the `n`th session has ended, or is being stopped. */
    reason: (n: number): string | undefined => {
      const state = rows.get(streamId(n))?.state
      return state?._tag === "Inactive" ? state.reason : state?.ending?.reason
    }
  }
}

export type Stage = ReturnType<typeof makeStage>
