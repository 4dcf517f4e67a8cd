/**
 * Brings an installation up to date, on its own connection and without a statement timeout. Several instances may start at once: a lock
 * lets one migrate, and the others wait and then have nothing to do. The steps are planned in `migrationPlan.ts`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlError } from "effect/sql/SqlError"
import { MigrationFailed, migrationFailed } from "./MigrationFailed.ts"
import { opening, plan, type Standing, type Step, textOf, wholeText } from "./migrationPlan.ts"
import { type Names, namesIn } from "./names.ts"
import { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"
import { rowsOf } from "./rows.ts"
import { checkServer } from "./serverVersion.ts"

export { MigrationFailed } from "./MigrationFailed.ts"

export interface MigrationOptions {
  /** `greenroom` unless given. A name that is refused throws. */
  readonly schema?: string | undefined
}

/** `privileged`: the right to create the schema, or something in the schema that exists. */
const schemaRows = rowsOf(
  Schema.Struct({ role: Schema.String, database: Schema.String, exists: Schema.Boolean, privileged: Schema.Boolean })
)
const relationRows = rowsOf(
  Schema.Struct({ schema: Schema.String, is_table: Schema.Boolean, is_former_place: Schema.Boolean })
)
const titleRows = rowsOf(Schema.Struct({ id: Schema.NullOr(Schema.String), name: Schema.NullOr(Schema.String) }))

/** The titles in a table of migrations; of a host's table that has only the name in common, none that is known. */
const titlesIn = (sql: PgClient.PgClient, schema: string) =>
  Effect.map(
    sql`select to_jsonb(m)->>'migration_id' as id, to_jsonb(m)->>'name' as name
      from ${sql(schema)}.greenroom_migrations m order by 1`.unprepared,
    (rows) =>
      titleRows(rows)
        .map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`)
        .toSorted()
  )

const standing = Effect.fnUntraced(function* (sql: PgClient.PgClient, n: Names): Effect.fn.Return<Standing, SqlError> {
  const schemas = yield* sql`
    select current_user::text as role, current_database()::text as database, s.oid is not null as exists,
      case when s.oid is null then has_database_privilege(current_database(), 'CREATE')
        else has_schema_privilege(s.oid, 'CREATE') end as privileged
    from (select to_regnamespace(${n.quotedSchema})::oid as oid) s`.unprepared
  const { role, database, exists, privileged } = schemaRows(schemas)[0]!
  const relations = yield* sql`
    select n.nspname::text as schema, c.relkind = 'r' as is_table,
      coalesce(c.oid = to_regclass('greenroom_migrations'), false) or n.nspname = 'public' as is_former_place
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = 'greenroom_migrations' and c.relkind in ('r', 'v')
      and has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT')
    order by c.oid = to_regclass('greenroom_migrations') desc, 1`.unprepared
  const recorded = yield* Effect.forEach(relationRows(relations), ({ schema, is_table, is_former_place }) =>
    Effect.map(is_table ? titlesIn(sql, schema) : Effect.succeed(null), (titles) => ({
      schema,
      isFormerPlace: is_former_place,
      titles
    }))
  )
  return { role, database, schemaExists: exists, isPermitted: privileged, recorded }
})

const planned = (sql: PgClient.PgClient, n: Names) =>
  Effect.flatMap(standing(sql, n), (found) => Effect.fromResult(plan(found, n)))

const run = (sql: PgClient.PgClient, statements: ReadonlyArray<string>) =>
  Effect.forEach(statements, (statement) => sql.unsafe(statement).unprepared, { discard: true })

const runStep = (sql: PgClient.PgClient, { title, statements }: Step) =>
  Effect.mapError(run(sql, statements), (cause) => migrationFailed(cause, title ?? "Preparing the schema"))

/** Planned again under the lock, because another instance may have migrated during the wait. */
/** Of what was read, another instance has moved something away in the meantime: a table is gone, or the view in its place refuses. */
const movedMeanwhile = new Set(["42P01", "P0001"])
const isMovedMeanwhile = (error: unknown): boolean => {
  const cause = error instanceof SqlError ? error.reason.cause : undefined
  return typeof cause === "object" && cause !== null && "code" in cause && movedMeanwhile.has(String(cause.code))
}

/** Without the lock. The second reading shows what the other instance has done. */
const plannedAhead = (sql: PgClient.PgClient, n: Names) =>
  Effect.retry(planned(sql, n), { times: 3, while: isMovedMeanwhile })

const runPending = (sql: PgClient.PgClient, n: Names) =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* run(sql, opening)
      const steps = yield* planned(sql, n)
      yield* Effect.forEach(steps, (step) => runStep(sql, step), { discard: true })
      return steps
    })
  )

const isDeadlock = (error: unknown): boolean =>
  error instanceof MigrationFailed
    ? isDeadlock(error.cause)
    : error instanceof SqlError && error.reason._tag === "DeadlockError"

const client = (address: PostgresAddress) =>
  PgClient.makeClient({
    ...connectionOf(address),
    applicationName: "greenroom-migrations",
    // A pooler may give each statement another connection.
    prepare: false,
    /** Longer than the other clients': the service cannot start without its schema. */
    connectTimeout: "5 seconds"
  })

const using = <A>(
  address: PostgresAddress,
  { schema }: MigrationOptions,
  use: (sql: PgClient.PgClient, n: Names) => Effect.Effect<A, SqlError | MigrationFailed>
): Effect.Effect<A, MigrationFailed> =>
  Effect.suspend(() => {
    const n = namesIn(schema)
    return Effect.flatMap(client(address), (sql) => Effect.andThen(checkServer(sql), use(sql, n)))
  }).pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.mapError((error) => migrationFailed(error))
  )

const titlesOf = (steps: ReadonlyArray<Step>) => steps.flatMap(({ title }) => title ?? [])

/** The whole SQL of a new installation in this schema, as a script. */
export const sql = (schema?: string): string => wholeText(namesIn(schema))

export interface Pending {
  /** The migrations, and before them the move of an installation that a former release made. Empty: the installation is up to date. */
  readonly titles: ReadonlyArray<string>
  /** What `migrate` would run, as a script. */
  readonly sql: string
}

/** What `migrate` would do now. Changes nothing. */
export const pending = (
  address: PostgresAddress,
  options: MigrationOptions = {}
): Effect.Effect<Pending, MigrationFailed> =>
  using(address, options, (client, n) =>
    Effect.map(plannedAhead(client, n), (steps) => ({ titles: titlesOf(steps), sql: textOf(steps) }))
  ).pipe(Effect.withSpan("PostgresMigrations.pending"))

/** Runs what is pending, in one transaction. Returns what was done; nothing when the installation was up to date. */
export const migrate = (
  address: PostgresAddress,
  options: MigrationOptions = {}
): Effect.Effect<ReadonlyArray<string>, MigrationFailed> =>
  using(address, options, (client, n) =>
    Effect.flatMap(plannedAhead(client, n), (steps) =>
      steps.length === 0
        ? Effect.succeed([])
        : runPending(client, n).pipe(Effect.retry({ times: 5, while: isDeadlock }), Effect.map(titlesOf))
    )
  ).pipe(Effect.withSpan("PostgresMigrations.migrate"))

/** Fails when something is pending, and changes nothing. */
export const check = (address: PostgresAddress, options: MigrationOptions = {}): Effect.Effect<void, MigrationFailed> =>
  Effect.flatMap(pending(address, options), ({ titles }) =>
    titles.length === 0
      ? Effect.void
      : Effect.fail(
          new MigrationFailed({
            kind: "pending",
            message: `Migrations are pending in the schema ${namesIn(options.schema).schema}: ${titles.join(", ")}. Run them first (greenroom migrate)`
          })
        )
  )

export const layer = (address: PostgresAddress, options: MigrationOptions = {}): Layer.Layer<never, MigrationFailed> =>
  Layer.effectDiscard(migrate(address, options))
