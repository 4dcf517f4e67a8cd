/**
 * The statement with which an admission is written, taken from the adapter itself, so that the server beside Greenroom runs the very
 * same text and not a copy that grows old. The adapter is asked to admit, and a client that sends nothing notes what it would send.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Database, namesIn, PostgresAdmissions } from "@greenroom/adapters/postgres"
import type { AdmissionRequest } from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as Statement from "effect/sql/Statement"

export interface AdmissionStatement {
  readonly text: string
  /** What stands behind `$1`, `$2`, … */
  readonly parameters: ReadonlyArray<keyof Omit<AdmissionRequest, "reserved">>
}

/** Each parameter is its own name, but for the hash, which is bytes. */
const asked = {
  hash: new Uint8Array(32),
  path: "path",
  sourceId: "sourceId",
  protocol: "protocol",
  streamId: "streamId"
} as unknown as AdmissionRequest

export const admissionStatement = (): AdmissionStatement => {
  const sql = Statement.make(Effect.never, PgClient.makeCompiler(), [], undefined) as unknown as PgClient.PgClient
  let noted: AdmissionStatement | undefined
  const database = Layer.succeed(
    Database.AdmissionDatabase,
    Database.databaseOf({
      names: namesIn(),
      lockMillis: 0,
      run: (_, use) =>
        Effect.sync(() => {
          const [text, values] = (use(sql, false) as unknown as Statement.Statement<unknown>).compile()
          noted = {
            text,
            parameters: values.map((value) =>
              typeof value === "string" ? (value as keyof Omit<AdmissionRequest, "reserved">) : "hash"
            )
          }
          return [] as never
        })
    })
  )
  const admit = Effect.flatMap(PostgresAdmissions.make, (admissions) => admissions.admit(asked))
  Effect.runSync(Effect.provide(admit, database))
  if (noted === undefined) throw new Error("the adapter admitted without a statement")
  return noted
}
