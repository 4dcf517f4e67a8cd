/** Everything that a run needs, up and populated: Greenroom with its own database, the media server, the floor, and the keys. */
import { randomBytes } from "node:crypto"
import * as path from "node:path"
import { heapBounds } from "../worlds/heapBounds.ts"
import { admissionStatement } from "./admissionStatement.ts"
import type { LivePublisher, PublishThese } from "./mediaServer.ts"
import { printed, processorTimeOf, type Run, told } from "./processes.ts"
import { databaseIn, openStore, type Store } from "./store.ts"

export interface Stage {
  /** Where the API answers. */
  readonly greenroom: number
  /** Where the media server asks: `HOOK_PORT`, as `npm start` and the compose file set it. */
  readonly hooks: number
  readonly floor: number
  /** Processor time used so far, ms. */
  readonly processorTime: { readonly greenroom: () => number; readonly floor: () => number }
  /** What MediaMTX sends when the hook secret stands in its `authHTTPAddress`. */
  readonly authorization: string
  readonly apiSecret: string
  readonly store: Store
  readonly broadcasterId: string
  readonly live: ReadonlyArray<LivePublisher>
  readonly streamIds: ReadonlyArray<string>
  /** Those that nobody live uses. */
  readonly keys: ReadonlyArray<string>
}

const LIVE = 50
const KEYS = 4_000

const untilActive = async (store: Store): Promise<ReadonlyArray<string>> => {
  for (let waited = 0; waited < 20_000; waited += 50) {
    const ids = await store.activeStreams()
    if (ids.length === LIVE) return ids
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error("the live publishers did not become active")
}

export const setStage = async (run: Run): Promise<Stage> => {
  const dataDirectory = path.join(run.folder, "data")
  const [apiSecret, hookSecret] = [randomBytes(24).toString("base64url"), randomBytes(24).toString("base64url")]
  const authorization = `Basic ${Buffer.from(`mediamtx:${hookSecret}`).toString("base64")}`

  const media = run.start("media-server", "./mediaServer.ts")
  const apiUrl = await told<string>(run, "media-server", media)

  const service = run.start("greenroom", "../../packages/server/src/main.ts", {
    args: ["serve"],
    env: {
      DATA_DIR: dataDirectory,
      API_PORT: "0",
      HOOK_PORT: "0",
      NODE_OPTIONS: heapBounds(),
      HOST: "127.0.0.1",
      API_SECRET: apiSecret,
      HOOK_SECRET: hookSecret,
      MEDIAMTX_API_URL: apiUrl,
      MEDIAMTX_PUBLIC_URL: "https://media.example.com",
      LOG_FORMAT: "json"
    }
  })
  const [, api, calls] = await printed(
    run,
    "greenroom",
    service,
    /API +http:\/\/127\.0\.0\.1:(\d+)[\s\S]*calls http:\/\/127\.0\.0\.1:(\d+)/
  )
  const [greenroom, hooks] = [Number(api), Number(calls)]

  const store = await openStore(dataDirectory)
  const { keys, broadcasterId } = await store.seed(KEYS)
  const publish: PublishThese = {
    authHttpAddress: `http://mediamtx:${hookSecret}@127.0.0.1:${hooks}/auth`,
    keys: keys.slice(0, LIVE)
  }
  media.send(publish)
  const live = await told<ReadonlyArray<LivePublisher>>(run, "media-server", media)
  const streamIds = await untilActive(store)

  const settings = { statement: admissionStatement(), database: databaseIn(dataDirectory), authorization }
  const byHand = run.start("floor", "./floor.ts", { env: { FLOOR: JSON.stringify(settings) } })
  const floor = await told<number>(run, "floor", byHand)
  const processorTime = { greenroom: () => processorTimeOf(service), floor: () => processorTimeOf(byHand) }
  return {
    greenroom,
    hooks,
    floor,
    processorTime,
    authorization,
    apiSecret,
    store,
    broadcasterId,
    live,
    streamIds,
    keys: keys.slice(LIVE)
  }
}
