/** The service that is measured: started as `npm start` starts it, with its own database, beside a media server. */
import type { ChildProcess } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import { heapBounds } from "../worlds/heapBounds.ts"
import { printed, type Run } from "./processes.ts"

export interface Service {
  readonly process: ChildProcess
  /** Where the API answers. */
  readonly api: number
  /** Where the media server asks: `HOOK_PORT`, as `npm start` and the compose file set it. */
  readonly hooks: number
  readonly apiSecret: string
  readonly hookSecret: string
}

export interface Place {
  readonly apiUrl: string
  readonly dataDirectory: string
  /** Settings beside those of every service that is measured. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

const compileCache = fileURLToPath(new URL("../../node_modules/.cache/node", import.meta.url))

/** Waits for what it prints when it is ready. */
export const startService = async (run: Run, name: string, { apiUrl, dataDirectory, env }: Place): Promise<Service> => {
  const [apiSecret, hookSecret] = [randomBytes(24).toString("base64url"), randomBytes(24).toString("base64url")]
  const child = run.start(name, "../../packages/server/src/main.ts", {
    args: ["serve"],
    env: {
      DATA_DIR: dataDirectory,
      API_PORT: "0",
      HOOK_PORT: "0",
      NODE_OPTIONS: heapBounds(),
      NODE_COMPILE_CACHE: compileCache,
      HOST: "127.0.0.1",
      API_SECRET: apiSecret,
      HOOK_SECRET: hookSecret,
      MEDIAMTX_API_URL: apiUrl,
      MEDIAMTX_PUBLIC_URL: "https://media.example.com",
      // The receiver is on the loopback.
      WEBHOOKS_ALLOW_PRIVATE: "true",
      ...env
    }
  })
  const [, api, hooks] = await printed(
    run,
    name,
    child,
    /API +http:\/\/127\.0\.0\.1:(\d+)[\s\S]*calls http:\/\/127\.0\.0\.1:(\d+)/
  )
  return { process: child, api: Number(api), hooks: Number(hooks), apiSecret, hookSecret }
}
