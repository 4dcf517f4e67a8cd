/**
 * Who may connect to the private PostgreSQL: our own user, and root, each as the superuser. The kernel vouches for them (`peer`), so
 * there is no password to keep. The two files are ours and written anew with each start; the ones that initdb has left among the
 * data, which once let everyone in who reached the socket, are not read.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { userInfo } from "node:os"
import * as path from "node:path"

const map = "greenroom"

/** As pg_ident.conf quotes: a quotation mark is doubled. A leading slash would begin a regular expression; no user's name has one. */
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

export interface AccessFiles {
  readonly hba: string
  readonly ident: string
}

/**
 * The text of both files. `user`: the name of our user; `null` when it has none, as in a container with a number for a user. Then
 * PostgreSQL could not name the peer, and the socket's folder, which only that number and root may enter, decides alone.
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

/** Moved into place: never half of it, and a link that is there is replaced, not followed. The server's user reads it, whatever our umask. */
const put = async (file: string, text: string) => {
  const draft = `${file}.${randomBytes(6).toString("hex")}`
  await fs.writeFile(draft, text, { flag: "wx" })
  await fs.chmod(draft, 0o644)
  await fs.rename(draft, file)
}

/** Writes both into the directory; returns the server's settings that name them. */
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
