/**
 * Access to the private PostgreSQL: our own user and root may connect, each as the superuser. The kernel identifies them (`peer`),
 * so there is no password. Both files are written at each start. The server does not read initdb's own files among the data,
 * because those of an earlier version admitted every user who reached the socket.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { userInfo } from "node:os"
import * as path from "node:path"

const map = "greenroom"

/** Quotes as pg_ident.conf does, with doubled quotation marks. A leading slash would mean a regular expression; no user name has one. */
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

export interface AccessFiles {
  readonly hba: string
  readonly ident: string
}

/**
 * The text of both files. `user` is the name of our user; `null` when it has none, as in a container with only a user id. Then
 * PostgreSQL cannot name the peer, and the only protection is the socket's folder, which only that id and root may enter.
 */
export const accessFiles = (user: string | null, superuser: string): AccessFiles => ({
  hba: user === null ? "local all all trust\n" : `local all all peer map=${map}\n`,
  ident: [...new Set([user ?? "root", "root"])].map((name) => `${map} ${quoted(name)} ${superuser}\n`).join("")
})

const ownName = (): string | null => {
  try {
    return userInfo().username
  } catch {
    return null
  }
}

/** Renames a complete file into place, which also replaces a link instead of following it. The server's user may read it. */
const put = async (file: string, text: string) => {
  const draft = `${file}.${randomBytes(6).toString("hex")}`
  await fs.writeFile(draft, text, { flag: "wx" })
  await fs.chmod(draft, 0o644)
  await fs.rename(draft, file)
}

/** Writes both files into the directory. Returns the server's settings that name them. */
export const writeAccessFiles = async (
  directory: string,
  superuser: string
): Promise<{ readonly hba_file: string; readonly ident_file: string }> => {
  const { hba, ident } = accessFiles(ownName(), superuser)
  const files = { hba_file: path.join(directory, "pg_hba.conf"), ident_file: path.join(directory, "pg_ident.conf") }
  await put(files.hba_file, hba)
  await put(files.ident_file, ident)
  return files
}
