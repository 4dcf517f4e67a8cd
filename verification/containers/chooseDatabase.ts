/**
 * Vitest's global set-up. It chooses the PostgreSQL of all tests that want one: the server at `TEST_DATABASE_URL`, else a container, else the
 * embedded one, and prints which. `CONTAINERS=required` wants a container and fails without one; `CONTAINERS=off` starts none. The tests find
 * the server by `TEST_DATABASE_URL` (verification/worlds/postgres.ts); without it each file starts an embedded one.
 */
import { type Choice, containersFrom, decideDatabase } from "./decideDatabase.ts"
import { type StartedPostgres, type Testcontainers, testcontainers } from "./testcontainers.ts"

/** The newest major version unless another image is wanted, as `npm run containers` wants each. */
export const POSTGRES_IMAGE = process.env.TEST_POSTGRES_IMAGE || "postgres:18"

const sentenceOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? ""

const whyNoRuntime = async (library: Testcontainers | null): Promise<string | null> => {
  if (library === null) return "testcontainers is not installed: npm ci --prefix verification/containers"
  try {
    await library.runtime()
    return null
  } catch (error) {
    return sentenceOf(error)
  }
}

/** Files run side by side, each with several clients of ten connections. */
const COMMAND = ["postgres", "-c", "max_connections=400"]

const startContainer = (library: Testcontainers): Promise<StartedPostgres> =>
  library.postgres(POSTGRES_IMAGE).withUsername("postgres").withCommand(COMMAND).start()

const announce = ({ from, ...rest }: Choice): void => {
  const name = { url: "TEST_DATABASE_URL", container: POSTGRES_IMAGE, embedded: "embedded PostgreSQL", nowhere: "none" }
  const because = "because" in rest ? ` (no container: ${rest.because})` : ""
  console.log(`database of the tests: ${name[from]}${because}`)
}

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  const library = testcontainers()
  let started: StartedPostgres | undefined
  const noRuntime = async () => {
    const why = await whyNoRuntime(library)
    if (why !== null || library === null) return why
    try {
      started = await startContainer(library)
      return null
    } catch (error) {
      return `${POSTGRES_IMAGE} did not start: ${sentenceOf(error)}`
    }
  }
  const url = process.env.TEST_DATABASE_URL
  const choice = await decideDatabase({ url, containers: containersFrom(process.env.CONTAINERS), noRuntime })
  announce(choice)
  if (choice.from === "nowhere") throw new Error(`CONTAINERS=required: ${choice.because}`)
  if (started === undefined) return undefined
  const container = started
  process.env.TEST_DATABASE_URL = container.getConnectionUri()
  return async () => {
    await container.stop()
  }
}
