/**
 * What is pending in a database, as statements: pure, so that what is printed is what is run. All steps are one transaction.
 */
import { Result } from "effect"
import { MigrationFailed } from "./MigrationFailed.ts"
import { FIRST_WITH_SCHEMA, type Migration, migrations, titleOf } from "./migrationList.ts"
import { formerMigrations, moveStatements } from "./moveSchema.ts"
import { isSchemaName, type Names, namesIn } from "./names.ts"

/** A schema with a relation `greenroom_migrations`, which may be ours. */
export interface Recorded {
  readonly schema: string
  /** A former release, whose names were not qualified, uses this one: it is in its search path, or it is `public`. */
  readonly isFormerPlace: boolean
  /** As `titleOf` has them; `null` where a move has left its view. */
  readonly titles: ReadonlyArray<string> | null
}

/** What was found in the database. */
export interface Standing {
  readonly role: string
  readonly database: string
  readonly schemaExists: boolean
  /** The role may create what is missing: the schema, or tables in it. */
  readonly isPermitted: boolean
  readonly recorded: ReadonlyArray<Recorded>
}

export interface Step {
  /** As it is logged; `null` for preparations. */
  readonly title: string | null
  readonly statements: ReadonlyArray<string>
}

/** How long an instance waits for another one that migrates, and for old statements: a large history takes time to migrate. */
const LOCK_WITHIN_MS = 60_000

/** First in the transaction. Of its own settings, because a pooler refuses them at the start of a connection. */
export const opening: ReadonlyArray<string> = [
  `select set_config('lock_timeout', '${LOCK_WITHIN_MS}', true), set_config('statement_timeout', '0', true)`,
  "select pg_advisory_xact_lock(hashtextextended('greenroom.migrations', 0))"
]

const createSchema = (n: Names): Step => ({ title: null, statements: [`create schema ${n.quotedSchema}`] })

const createRecord = (n: Names): Step => ({
  title: null,
  statements: [
    `create table ${n.greenroom_migrations} (
    migration_id integer primary key,
    created_at timestamptz not null default now(),
    name text not null
  )`
  ]
})

const stepOf = (migration: Migration, n: Names): Step => ({
  title: titleOf(migration),
  statements: [
    ...migration.statements(n),
    `insert into ${n.greenroom_migrations} (migration_id, name) values (${migration.id}, '${migration.name}')`
  ]
})

const after = (done: ReadonlyArray<string>, n: Names): ReadonlyArray<Step> => {
  const ids = new Set(done.map((title) => Number.parseInt(title, 10)))
  return migrations.filter(({ id }) => !ids.has(id)).map((migration) => stepOf(migration, n))
}

const idOf = (title: string) => Number.parseInt(title, 10)

/** Made, or kept in its place, by a release with a schema of its own. Such an installation is not moved unasked. */
const isKept = (titles: ReadonlyArray<string>) => titles.some((title) => idOf(title) >= FIRST_WITH_SCHEMA)

const mover = (from: string, to: Names, done: ReadonlyArray<Migration>): Step => ({
  title: `move from the schema ${from} to the schema ${to.schema}`,
  statements: moveStatements(namesIn(from), to, done)
})

const refused = (kind: MigrationFailed["kind"], message: string) => Result.fail(new MigrationFailed({ kind, message }))

/** The installation of a former release among those that were found elsewhere. */
const formerIn = (elsewhere: ReadonlyArray<Recorded>) => {
  for (const { schema, isFormerPlace, titles } of elsewhere) {
    const isFormer = isFormerPlace && titles !== null && !isKept(titles) && isSchemaName(schema)
    const done = isFormer ? formerMigrations(titles) : null
    if (done !== null) return { schema, done }
  }
  return null
}

const lacksRight = ({ schemaExists, role, database }: Standing, n: Names) =>
  refused(
    "not_permitted",
    schemaExists
      ? `The role ${role} may not create tables in the schema ${n.schema}. As its owner: grant create on schema ${n.quotedSchema} to "${role}"`
      : `The schema ${n.schema} does not exist, and the role ${role} may not create it. As an administrator of the database ${database}: create schema ${n.quotedSchema} authorization "${role}". Or set DATABASE_SCHEMA to a schema that exists`
  )

/** What is pending in the schema of these names; nothing when it is up to date. */
export const plan = (standing: Standing, n: Names): Result.Result<ReadonlyArray<Step>, MigrationFailed> => {
  const own = standing.recorded.find(({ schema }) => schema === n.schema)
  if (own?.titles === null)
    return refused(
      "elsewhere",
      `The installation was moved away from the schema ${n.schema}: set DATABASE_SCHEMA to the schema where it is now`
    )
  if (own !== undefined) return Result.succeed(after(own.titles, n))
  const elsewhere = standing.recorded.filter(({ schema }) => schema !== n.schema)
  const former = formerIn(elsewhere)
  const kept = elsewhere.find(({ titles }) => titles !== null && isKept(titles))
  if (former === null && kept !== undefined && !standing.schemaExists)
    return refused(
      "elsewhere",
      `There is an installation in the schema ${kept.schema}, and none in ${n.schema}. Set DATABASE_SCHEMA=${kept.schema} to use it. For a second one, create the schema first: create schema ${n.quotedSchema}`
    )
  if (!standing.isPermitted) return lacksRight(standing, n)
  const schema = standing.schemaExists ? [] : [createSchema(n)]
  return Result.succeed(
    former === null
      ? [...schema, createRecord(n), ...after([], n)]
      : [...schema, mover(former.schema, n, former.done), ...after(former.done.map(titleOf), n)]
  )
}

const asText = (steps: ReadonlyArray<Step>): string => {
  const statements = (all: ReadonlyArray<string>) => all.map((statement) => `${statement.trim()};\n`).join("\n")
  const part = ({ title, statements: own }: Step) => `${title === null ? "" : `-- ${title}\n`}${statements(own)}`
  return `begin;\n\n${statements(opening)}\n${steps.map(part).join("\n")}\ncommit;\n`
}

/** The steps as a script for psql; empty without steps. */
export const textOf = (steps: ReadonlyArray<Step>): string => (steps.length === 0 ? "" : asText(steps))

/** A new installation, as a script. */
export const wholeText = (n: Names): string => {
  const schema: Step = { title: null, statements: [`create schema if not exists ${n.quotedSchema}`] }
  return asText([...(n.schema === "public" ? [] : [schema]), createRecord(n), ...after([], n)])
}
