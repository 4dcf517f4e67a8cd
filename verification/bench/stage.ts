/** Everything that a part needs, up and populated: Greenroom with its own database, the media server, the floor, and the keys. */
import * as path from "node:path"
import { admissionStatement } from "./admissionStatement.ts"
import type { LivePublisher, PublishThese } from "./mediaServer.ts"
import { processorTimeOf, type Run, told } from "./processes.ts"
import { startService } from "./service.ts"
import { residentMegabytes } from "./start.ts"
import { databaseIn, openStore, type Store } from "./store.ts"

export interface Stage {
  /** Where the API answers. */
  readonly greenroom: number
  /** Where the media server asks. */
  readonly hooks: number
  readonly floor: number
  /** Processor time used so far, ms. */
  readonly processorTime: { readonly greenroom: () => number; readonly floor: () => number }
  /** What Greenroom has in memory, MB. */
  readonly memory: () => number
  /** What MediaMTX sends when the hook secret stands in its `authHTTPAddress`. */
  readonly authorization: string
  readonly apiSecret: string
  readonly hookSecret: string
  /** Of the media server's control API. */
  readonly apiUrl: string
  readonly store: Store
  readonly database: ReturnType<typeof databaseIn>
  readonly broadcasterId: string
  readonly live: ReadonlyArray<LivePublisher>
  readonly streamIds: ReadonlyArray<string>
  /** Those that no live publisher uses. */
  readonly keys: ReadonlyArray<string>
  readonly revokedKeys: ReadonlyArray<string>
  readonly end: () => Promise<void>
}

export interface StageSettings {
  /** Of its processes, when a run has several stages. */
  readonly name: string
  readonly live: number
  readonly keys: number
  /** So many more keys, and as many past streams. */
  readonly history?: number
  /** Of the service, beside those of every stage. */
  readonly env?: Readonly<Record<string, string>>
}

export const ordinaryStage: StageSettings = { name: "greenroom", live: 50, keys: 4_000 }
const REVOKED = 100

const untilActive = async (store: Store, live: number): Promise<ReadonlyArray<string>> => {
  for (let waited = 0; waited < 20_000; waited += 50) {
    const ids = await store.activeStreams()
    if (ids.length === live) return ids
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error("the live publishers did not become active")
}

export const setStage = async (run: Run, settings: StageSettings = ordinaryStage): Promise<Stage> => {
  const named = (process: string) => (settings.name === ordinaryStage.name ? process : `${settings.name}-${process}`)
  const dataDirectory = path.join(run.folder, `data-${settings.name}`)
  const media = run.start(named("media-server"), "./mediaServer.ts")
  const apiUrl = await told<string>(run, named("media-server"), media)
  const service = await startService(run, settings.name, { apiUrl, dataDirectory, env: settings.env })
  const { api: greenroom, hooks, apiSecret, hookSecret } = service

  const store = await openStore(dataDirectory)
  const { keys, broadcasterId } = await store.seed(settings.keys)
  const publish: PublishThese = {
    authHttpAddress: `http://mediamtx:${hookSecret}@127.0.0.1:${hooks}/auth`,
    keys: keys.slice(0, settings.live)
  }
  media.send(publish)
  const live = await told<ReadonlyArray<LivePublisher>>(run, named("media-server"), media)
  const streamIds = await untilActive(store, settings.live)
  const old = settings.history === undefined ? [] : await store.writeHistory(settings.history)
  const revokedKeys = keys.slice(settings.live, settings.live + REVOKED)
  await store.revoke(revokedKeys)

  const authorization = `Basic ${Buffer.from(`mediamtx:${hookSecret}`).toString("base64")}`
  const byHandSettings = {
    statement: admissionStatement(),
    database: databaseIn(dataDirectory),
    authorization,
    apiSecret
  }
  const byHand = run.start(named("floor"), "./floor.ts", { env: { FLOOR: JSON.stringify(byHandSettings) } })
  const floor = await told<number>(run, named("floor"), byHand)
  return {
    greenroom,
    hooks,
    floor,
    processorTime: {
      greenroom: () => processorTimeOf(service.process),
      floor: () => processorTimeOf(byHand)
    },
    memory: () => residentMegabytes(service.process.pid),
    authorization,
    apiSecret,
    hookSecret,
    apiUrl,
    store,
    database: databaseIn(dataDirectory),
    broadcasterId,
    live,
    streamIds,
    keys: [...keys.slice(settings.live + REVOKED), ...old],
    revokedKeys,
    end: async () => {
      await store.close()
      for (const child of [byHand, service.process, media]) await run.stop(child)
    }
  }
}
