/** The address of the database: a libpq URL or its parts. A `host` that begins with a slash is a Unix socket's directory. */
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

/** Throws when the text is not a URL. Node's own error would contain the text, and with it the password. */
export const connectionOf = (address: PostgresAddress): PgClientConfig => {
  if (!("url" in address)) return address
  if (!URL.canParse(Redacted.value(address.url))) throw new Error("The database's address is not a URL")
  return { url: address.url }
}
