/** Where the database is: a libpq URL, or the parts of one (a `host` that begins with a slash is a Unix socket's directory). */
import type { PgClientConfig } from "@effect/sql-pg/PgClient"
import { Redacted } from "effect"

export type PostgresAddress =
  | { readonly url: Redacted.Redacted<string> }
  | {
      readonly host: string
      readonly port: number
      readonly username: string
      readonly database: string
      readonly password?: Redacted.Redacted<string>
    }

/** Throws on what is no URL, without repeating it: Node's own error carries the text, and with it the password. */
export const connectionOf = (address: PostgresAddress): PgClientConfig => {
  if (!("url" in address)) return address
  if (!URL.canParse(Redacted.value(address.url))) throw new Error("The database's address is not a URL")
  return { url: address.url }
}
