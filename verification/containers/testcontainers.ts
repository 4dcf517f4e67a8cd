/**
 * testcontainers, when it is installed. It is required by name at run time and described by the few members that are used: neither the
 * other tests nor the type checker need its 170 packages.
 */
import { createRequire } from "node:module"

export interface StartedPostgres {
  getConnectionUri(): string
  stop(): Promise<unknown>
}

interface PostgresContainer {
  withDatabase(name: string): this
  withUsername(name: string): this
  withPassword(password: string): this
  withNetworkMode(network: string): this
  withNetworkAliases(...names: ReadonlyArray<string>): this
  withCommand(command: ReadonlyArray<string>): this
  start(): Promise<StartedPostgres>
}

export interface Testcontainers {
  /** Rejects when no runtime answers. */
  readonly runtime: () => Promise<unknown>
  readonly postgres: (image: string) => PostgresContainer
}

const load = createRequire(import.meta.url)

/** Null when it is not installed. */
export const testcontainers = (): Testcontainers | null => {
  try {
    load.resolve("testcontainers")
  } catch {
    return null
  }
  return {
    runtime: () => load("testcontainers").getContainerRuntimeClient(),
    postgres: (image) => new (load("@testcontainers/postgresql").PostgreSqlContainer)(image)
  }
}
