/**
 * The move of an installation that a former release made, from the schema where it stands to one of its own: statements of the
 * transaction that brings it up to date. The functions are replaced in the same transaction. With their old bodies, whose names are
 * not qualified, the first insert would fail in a trigger, or read a table of the host. Only what is provably Greenroom's is moved: the
 * statements themselves check it again under the locks, so that they are as safe in the hands of an operator.
 */
import { functionsOf, type Migration, migrations, titleOf } from "./migrationList.ts"
import { functions, type Names, tables, views } from "./names.ts"

const quoted = (text: string) => `'${text}'`
const list = (items: ReadonlyArray<string>) => `array[${items.map(quoted).join(", ")}]`

/** The objects of one kind that these migrations create. */
const created = <N extends string>(done: ReadonlyArray<Migration>, kind: string, names: ReadonlyArray<N>, n: Names) => {
  const statements = done.flatMap((migration) => migration.statements(n))
  return names.filter((name) =>
    statements.some((statement) => new RegExp(`^create ${kind} ${n.quotedSchema}\\.${name}\\b`).test(statement))
  )
}

const objectsOf = (done: ReadonlyArray<Migration>, n: Names) => ({
  tables: created(done, "table", Object.keys(tables) as ReadonlyArray<keyof typeof tables>, n),
  views: created(done, "view", views, n),
  functions: created(done, "function", Object.keys(functions) as ReadonlyArray<keyof typeof functions>, n)
})

/** Fails the transaction unless the tables are those of an installation with exactly these migrations. */
const proof = (from: Names, done: ReadonlyArray<Migration>, owned: ReadonlyArray<keyof typeof tables>) => {
  const columns = owned.flatMap((table) => tables[table].map((column) => `(${quoted(table)}, ${quoted(column)})`))
  return `do $proof$ begin
  if ${list(done.map(titleOf))} is distinct from (
    select array_agg(lpad(migration_id::text, 4, '0') || '_' || name order by migration_id) from ${from.greenroom_migrations}
  ) then
    raise exception 'The tables in the schema ${from.schema} have changed since they were read: nothing was moved';
  end if;
  if exists (
    select from (values ${columns.join(", ")}) as expected (table_name, column_name)
    where not exists (
      select from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = ${quoted(from.quotedSchema)}::regnamespace and c.relkind = 'r' and c.relname = expected.table_name
        and a.attname = expected.column_name and a.attnum > 0 and not a.attisdropped
    )
  ) then
    raise exception 'A table in the schema ${from.schema} is not as Greenroom made it: nothing was moved';
  end if;
end $proof$`
}

/**
 * What stays under the name of the old table of migrations. A former release that starts reads it first, and ends with this sentence.
 * Without it, it would make new and empty tables in the old place.
 */
const tombstone = (from: Names, to: Names) => [
  `create function ${to.quotedSchema}.refuse_former_release()
    returns table (migration_id integer, name text, created_at timestamptz) language plpgsql as $$
  begin
    raise exception 'Greenroom does not exist in the schema ${from.schema} any more: a newer release has moved it to the schema ${to.schema}';
  end $$`,
  `create view ${from.greenroom_migrations} as select migration_id, name, created_at from ${to.quotedSchema}.refuse_former_release()`
]

/** `done`: the migrations that the former release has run. The schema `to` exists. */
export const moveStatements = (from: Names, to: Names, done: ReadonlyArray<Migration>): ReadonlyArray<string> => {
  const owned = objectsOf(done, from)
  const alter = (kind: string, what: string) => `alter ${kind} ${what} set schema ${to.quotedSchema}`
  return [
    `lock table ${[from.greenroom_migrations, ...owned.tables.map((table) => from[table])].join(", ")} in access exclusive mode`,
    proof(from, done, owned.tables),
    ...owned.tables.map((table) => alter("table", String(from[table]))),
    ...owned.views.map((view) => alter("view", String(from[view]))),
    ...owned.functions.map((name) => alter("function", `${from[name]}(${functions[name]})`)),
    ...functionsOf(done, to),
    alter("table", String(from.greenroom_migrations)),
    ...tombstone(from, to)
  ]
}

/** The migrations among these, or `null` when they are not what a former release has run: all of them, from the first. */
export const formerMigrations = (recorded: ReadonlyArray<string>): ReadonlyArray<Migration> | null => {
  const done = migrations.slice(0, recorded.length)
  return done.length > 0 && done.every((migration, index) => titleOf(migration) === recorded[index]) ? done : null
}
