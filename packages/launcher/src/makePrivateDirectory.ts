/**
 * Makes a folder with mode 0700 and its missing parents. As root, the parents get mode 0711: other users may pass through them but
 * not read them, because a program that root starts as another user has its own folder below them.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"

export const isRoot = (): boolean => process.getuid?.() === 0

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code

/**
 * Makes a folder and its missing parents with this mode, whatever our umask is; an existing folder keeps its mode. Node's own
 * recursive `mkdir` does not end in a file system that permits no new folders (`/proc`).
 */
export const makeFolders = async (folder: string, mode: number): Promise<void> => {
  const make = async () => {
    try {
      await fs.mkdir(folder, { mode })
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error
      if ((await fs.stat(folder)).isDirectory()) return
      throw Object.assign(new Error(`${folder} is a file`), { code: "ENOTDIR" })
    }
    await fs.chmod(folder, mode)
  }
  const orphaned = await make().then(
    () => false,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT" && path.dirname(folder) !== folder) return true
      throw error
    }
  )
  if (!orphaned) return
  await makeFolders(path.dirname(folder), mode)
  await make()
}

/** An existing folder keeps its mode. */
export const makePrivateDirectory = async (folder: string): Promise<void> => {
  await makeFolders(path.dirname(folder), isRoot() ? 0o711 : 0o700)
  await makeFolders(folder, 0o700)
}
