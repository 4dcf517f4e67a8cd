/** What the clients ask, as MediaMTX and a frontend would write it. */
import { randomUUID } from "node:crypto"
import { type Call, call } from "./load.ts"
import type { Stage } from "./stage.ts"

export const callsOn = ({ authorization, apiSecret, keys, revokedKeys, live, streamIds, broadcasterId }: Stage) => {
  let asked = 0
  const hook = { Authorization: authorization }
  const operator = { "X-API-Key": apiSecret }

  const auth = (key: string, path: string, id: string, expected: number): Call =>
    call(
      "POST /auth",
      hook,
      {
        ip: "203.0.113.7",
        user: "any",
        password: key,
        token: key,
        action: "publish",
        path,
        protocol: "rtmp",
        id,
        query: `user=any&pass=${key}`,
        userAgent: "FMLE/3.0 (compatible; FMSc/1.0)"
      },
      expected
    )

  const someoneLive = () => live[4 * (asked++ % Math.floor(live.length / 4))]!

  return {
    /** Another key, path and connection each time. */
    newcomer: () => auth(keys[asked % keys.length]!, `live/bench-${asked++}`, randomUUID(), 200),
    /** The connection of a live publisher, over RTMP, asks again. */
    again: () => {
      const { key, path, id } = someoneLive()
      return auth(key, path, id, 200)
    },
    /** Somebody else comes with a live publisher's key: the media server is asked whether that one is still there. */
    inUse: () => auth(someoneLive().key, `live/bench-${asked++}`, randomUUID(), 401),
    unknown: () => auth(`sk_${String(asked++).padStart(43, "x")}`, "live/nobody", randomUUID(), 401),
    revoked: () => auth(revokedKeys[asked % revokedKeys.length]!, `live/bench-${asked++}`, randomUUID(), 401),
    listStreams: () => call("GET /streams", operator, undefined, 200),
    listPast: () => call("GET /streams?status=inactive", operator, undefined, 200),
    listKeys: () => call("GET /stream-keys", operator, undefined, 200),
    /** A hundred events after one of them, another each time. */
    readEvents: ({ log, newest }: { readonly log: string; readonly newest: number }) => {
      const after = (asked++ * 7_919) % Math.max(1, newest - 100)
      return call(`GET /events?limit=100&after=${log}-${after}`, operator, undefined, 200)
    },
    issueKey: () =>
      call("POST /stream-keys", operator, { broadcaster_id: broadcasterId, label: `camera ${asked++}` }, 201),
    annotateStream: () =>
      call(`PATCH /streams/${streamIds[asked % streamIds.length]}`, operator, { title: `Title ${asked++}` }, 200)
  }
}

export type CallsOn = ReturnType<typeof callsOn>
