/** Greenroom's image against one PostgreSQL, as docs/operating.md runs it: what the tests of the image share. */
import { docker, eventOf, IMAGE, inspect, logOf, run } from "./docker.ts"
import { type StartedPostgres, testcontainers } from "./testcontainers.ts"

export const SECRETS = { api: "an-api-secret-of-the-tests", hook: "a-hook-secret-of-the-tests" } as const
const PASSWORD = "a-password-of-the-tests"

/** The flags of docs/operating.md. */
export const HARDENED = ["--init", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]

/** A PostgreSQL with the database `greenroom`, reached as `name` on the network. */
export const startPostgres = (image: string, network: string, name: string): Promise<StartedPostgres> => {
  const library = testcontainers()
  if (library === null) throw new Error("testcontainers is not installed: npm ci --prefix verification/containers")
  return library
    .postgres(image)
    .withDatabase("greenroom")
    .withUsername("greenroom")
    .withPassword(PASSWORD)
    .withNetworkMode(network)
    .withNetworkAliases(name)
    .start()
}

export const databaseUrl = (host: string): string => `postgres://greenroom:${PASSWORD}@${host}:5432/greenroom`

/** No media server answers there: what it does for Greenroom is shown with compose. */
const NO_MEDIA_SERVER = "http://127.0.0.1:9"

export const startApi = (network: string, database: string): Promise<string> => {
  const settings = {
    DATABASE_URL: databaseUrl(database),
    MEDIAMTX_API_URL: NO_MEDIA_SERVER,
    API_SECRET: SECRETS.api,
    HOOK_SECRET: SECRETS.hook
  }
  const variables = Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`])
  return run([...HARDENED, "--network", network, "--publish", "127.0.0.1::8080", ...variables, IMAGE])
}

const HEALTHY_WITHIN_MS = 120_000

/** The health check's first verdict, or the end of the container. */
export const becomesHealthy = async (container: string, within = HEALTHY_WITHIN_MS): Promise<void> => {
  const verdict = await eventOf(container, ["health_status: healthy", "health_status: unhealthy", "die"], within)
  if (verdict === "health_status: healthy") return
  const { out, err } = await logOf(container)
  throw new Error(`${verdict}:\n${out}${err}`)
}

export const exitCodeOf = async (container: string, within: number): Promise<number> => {
  await eventOf(container, ["die"], within)
  return Number(await inspect(container, "{{.State.ExitCode}}"))
}

export const call = async (container: string, method: string, path: string, body?: unknown): Promise<Response> => {
  const address = (await docker(["port", container, "8080/tcp"])).split("\n")[0]
  return fetch(`http://${address}${path}`, {
    method,
    headers: { authorization: `Bearer ${SECRETS.api}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000)
  })
}
