/**
 * Writes down every SQL statement that a release runs, as PostgreSQL's log has it, while the laws of the repositories run on it. The file is what the next
 * release is tried with: they must still be statements on its schema (docs/operations/upgrades.md).
 *
 *   npm run record-statements [-- <checkout of the release>]     wants a PostgreSQL of the system's packages
 */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { startSystemPostgres, systemPostgres } from "../verification/worlds/systemPostgres.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
export const recordedFile = join(root, "packages/adapters/test/fixtures/releaseStatements.json")

const logging = [
  "logging_collector=on",
  "log_destination=jsonlog",
  "log_directory=recorded",
  "log_statement=all",
  "log_rotation_size=0",
  "max_connections=200"
]
/** Schemas of tests that are not the default have the same statements. */
const isOurs = (statement: string) =>
  /"greenroom"\./.test(statement) && !/^(create|alter|drop|do|comment|grant|lock|set|begin)\b/i.test(statement)

/** Lists have as many parameters as the call had items; one such statement is enough. */
const shapeOf = (statement: string) =>
  statement
    .replaceAll(/\$\d+/g, "$")
    .replaceAll(/\(\$(?:, ?\$)+\)/g, "($)")
    .replaceAll(/\blimit \d+/g, "limit n")

export const statementsIn = (log: string): ReadonlyArray<string> => {
  const byShape = new Map<string, string>()
  for (const line of log.split("\n")) {
    if (line === "") continue
    const { message = "", application_name = "" } = JSON.parse(line) as { message?: string; application_name?: string }
    if (application_name === "greenroom-migrations" || !application_name.startsWith("greenroom")) continue
    const [, text] = /^(?:execute [^:]*|statement): ([\s\S]*)$/.exec(message) ?? []
    const statement = text
      ?.replaceAll(/--[^\n]*/g, "")
      .replaceAll(/\s+/g, " ")
      .trim()
    if (statement !== undefined && isOurs(statement))
      byShape.set(shapeOf(statement), byShape.get(shapeOf(statement)) ?? statement)
  }
  return [...byShape.values()].toSorted()
}

if (import.meta.main) {
  const checkout = resolve(process.argv[2] ?? root)
  const found = systemPostgres()
  if (found === null) throw new Error("expected pg_dump and a server of its version in /usr/lib/postgresql")
  const server = await startSystemPostgres(found.bin, [], logging)
  try {
    spawnSync(
      process.execPath,
      [
        join(checkout, "node_modules/vitest/vitest.mjs"),
        "run",
        "--config",
        "vitest.workspace.ts",
        "packages/adapters/test/postgres/PostgresRepositories.test.ts"
      ],
      {
        cwd: checkout,
        stdio: "inherit",
        env: { ...process.env, CONTAINERS: "off", TEST_DATABASE_URL: server.url("postgres") }
      }
    )
    const folder = join(server.data, "recorded")
    const log = readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("\n")
    const statements = statementsIn(log)
    writeFileSync(recordedFile, `${JSON.stringify(statements, null, 2)}\n`)
    console.log(`${statements.length} statements in ${recordedFile}`)
  } finally {
    await server.stop()
  }
}
