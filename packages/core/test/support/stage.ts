/**
 * The ports of the use cases over the memory store and a media server with connections, and a list of every call. `before` runs
 * something in front of a call: a failure, a wait, or what another process does at that very moment.
 */
import { createHash } from "node:crypto"
import { JoseTokenSigner } from "@greenroom/adapters/node"
import {
  type KeyFacts,
  KeyGenerator,
  type KeyValue,
  OperatorSecret,
  ReconcilePolicy,
  type SessionChange,
  type SessionState,
  type StreamKeyId
} from "@greenroom/core"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { CurrentViewers } from "../../src/playback/CurrentViewers.ts"
import { broadcasterId, keyId, streamId, uuid } from "./arbitraries.ts"
import { makeCalls } from "./calls.ts"
import { makeMediaServer } from "./mediaServer.ts"
import { makeStore, type Row } from "./store.ts"

export { mediaServerDown, storeDown, storeRefuses } from "./calls.ts"
export type { Connection } from "./mediaServer.ts"
export type { Row } from "./store.ts"

export const sha256 = (text: string): Uint8Array => new Uint8Array(createHash("sha256").update(text).digest())
export const OPERATOR_SECRET = "the operator's secret"
/** A stream key's value that tells which one it is. */
export const keyValue = (n: number): string => `sk_${n.toString().padStart(4, "k")}${"x".repeat(39)}`

const keyFacts = (id: StreamKeyId, prefix: string): KeyFacts => ({
  id,
  prefix,
  broadcasterId: broadcasterId(1),
  path: null,
  enabled: true,
  expiresAt: null,
  revokedAt: null,
  revokesAt: null,
  rotatedFrom: null,
  block: null
})

export const makeStage = () => {
  const { calls, before, noted } = makeCalls()
  const { rows, keys, lease, setKey, move, insert, ...store } = makeStore(noted)
  const { connections, server, connect, ...mediaServer } = makeMediaServer(noted)
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
      generateToken: Effect.sync(() => Redacted.make(keyValue(++minted).replace("sk_", "gr_"))),
      uuid: Effect.sync(() => uuid(0xabc000 + ++minted)),
      hash: (key: KeyValue) => sha256(Redacted.value(key))
    }),
    JoseTokenSigner.layer,
    CurrentViewers.layer,
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
      const key = { ...keyFacts(keyId(n), keyValue(n).slice(0, 7)), ...more }
      setKey(key, sha256(keyValue(n)))
      return key
    },
    changeKey: (n: number, more: Partial<KeyFacts>): void =>
      void keys.set(keyId(n), { ...keys.get(keyId(n))!, ...more }),
    /** A session of key `n` on `live/n` with the source `source-n`, admitted at `at` (in milliseconds of the test clock). */
    addSession: (n: number, at = 0, more: Partial<Pick<Row, "path" | "source" | "streamKeyId">> = {}): Row => {
      const source = { protocol: "rtmp", id: `source-${n}` } as const
      const row = { streamId: streamId(n), streamKeyId: keyId(n), path: `live/${n}`, source, ...more }
      // Every session has a key, also where nobody is to ask with it.
      if (!keys.has(row.streamKeyId)) setKey(keyFacts(row.streamKeyId, "sk_none"), null)
      return insert(row, DateTime.makeUnsafe(at))
    },
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
