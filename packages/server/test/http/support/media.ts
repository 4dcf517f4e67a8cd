/** The simulated media server asks the service over HTTP, as the real one does. */

import type { ReadOptions } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"
import { call, publishCall } from "./client.ts"
import type { Service } from "./service.ts"

export const authenticateThrough = (service: Service, headers: Readonly<Record<string, string>> = {}): Promise<void> =>
  service.run(
    service.media.authenticateWith((question) =>
      Effect.promise(async () => {
        const answer = await call(service, "POST", "/auth", { body: question, secret: null, headers })
        return answer.status >= 200 && answer.status < 300
      })
    )
  )

/**
 * An auth call whose connection the media server has, as a real one has before it asks: without it the reconciler ends the session as soon as
 * it takes a snapshot. RTSP between ANNOUNCE and RECORD, which stays as it is for ten seconds.
 */
export const connectedCall = async (service: Service, key: string, path: string) => {
  const body = publishCall(key, { path, protocol: "rtsp" })
  const connection = { protocol: "rtsp", path, id: body.id, unasked: true, stall: true } as const
  await service.run(service.media.publishAsked(connection))
  return body
}

/** A publisher on the air: admitted, ready, and seen by the reconciler. */
export const onAir = async (service: Service, key: string, path: string) => {
  const publisher = await service.run(service.media.publishAsked({ protocol: "rtmp", path, password: key }))
  if (!(await service.run(publisher.ready))) throw new Error("the publisher was not let in")
  const seen = Effect.promise(() => call(service, "GET", `/streams?path=${path}`))
  const answer = await service.run(
    Effect.repeat(Effect.delay(seen, 20), { until: ({ json }) => json.count === 1, times: 3_000 })
  )
  return { publisher, stream: answer.json.streams[0] }
}

/** A viewer that is let in, and that the list of viewers has. */
export const watching = async (service: Service, options: ReadOptions) => {
  const reader = await service.run(service.media.read(options))
  if (!(await service.run(reader.admitted))) throw new Error("the viewer was not let in")
  await call(service, "POST", "/reconcile", { body: { enforce: false } })
  const list = Effect.promise(() => call(service, "GET", `/viewers?path=${options.path}`))
  const isListed = ({ json }: { readonly json: { readonly viewers: ReadonlyArray<{ readonly id: string }> } }) =>
    json.viewers.some(({ id }) => id === reader.id)
  await service.run(Effect.repeat(Effect.delay(list, 20), { until: isListed, times: 3_000 }))
  return reader
}
