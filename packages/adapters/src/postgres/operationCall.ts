/**
 * One use of the database as metrics and spans describe it, by OpenTelemetry's conventions for databases. An operation is what a port calls it: it
 * may be several statements. Their text is in the sources, and left out.
 */
import type { PgClientConfig } from "@effect/sql-pg/PgClient"
import { errorTypeOf, type outgoing, recordDatabaseOperation } from "@greenroom/core/internal"
import { Cause, Exit, Redacted } from "effect"
import { SqlError } from "effect/sql/SqlError"

type OutgoingCall = Parameters<typeof outgoing<unknown, Error, never>>[1]

interface Server {
  readonly address: string
  readonly port: number
  readonly namespace: string
}

const PORT = 5432

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ""
  }
}

/** Never a user or a password. */
export const serverOf = ({ url, host, port, database }: PgClientConfig): Server => {
  const parsed = url === undefined ? null : URL.parse(Redacted.value(url))
  if (parsed === null) return { address: host ?? "localhost", port: port ?? PORT, namespace: database ?? "" }
  return {
    address: parsed.hostname === "" ? "localhost" : decoded(parsed.hostname),
    port: parsed.port === "" ? PORT : Number(parsed.port),
    namespace: decoded(parsed.pathname.slice(1))
  }
}

const errorOf = (exit: Exit.Exit<unknown, Error>): string | undefined => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return error instanceof SqlError ? error.reason._tag : error instanceof TimedOut ? "timeout" : errorTypeOf(exit)
}

/** The deadline of an operation has passed. */
export class TimedOut extends Error {
  constructor() {
    super("No answer within the deadline")
  }
}

/** The description of each operation is made once. */
export const operationCall = (config: PgClientConfig): ((operation: string) => OutgoingCall) => {
  const server = serverOf(config)
  const made = new Map<string, OutgoingCall>()
  const make = (operation: string): OutgoingCall => {
    const labels = {
      "db.system.name": "postgresql",
      "db.namespace": server.namespace,
      "db.operation.name": operation
    }
    return {
      name: `${operation} ${server.namespace}`.trim(),
      attributes: { ...labels, "server.address": server.address, "server.port": server.port },
      outcome: (exit) => ({ "error.type": errorOf(exit) }),
      record: (outcome, seconds, context) =>
        recordDatabaseOperation({ ...labels, "error.type": outcome["error.type"] }, seconds, context),
      startsTrace: false
    }
  }
  return (operation) => {
    const known = made.get(operation)
    if (known !== undefined) return known
    const call = make(operation)
    made.set(operation, call)
    return call
  }
}
