/** The simulated media server asks the service over HTTP, as the real one does. */
import { Effect } from "effect"
import { call } from "./client.ts"
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
