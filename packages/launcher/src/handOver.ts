/**
 * Changes the owner of files. Processes of the old owner may still rename files while root does this. So no file is changed by its
 * name: each is opened, and its owner is changed only if the open file belongs to the old owner.
 */
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { RunAs } from "./ChildProcessGroup.ts"

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const handOverOne = async (file: string, from: number, to: RunAs): Promise<void> => {
  const handle = await fs.open(file, flags)
  try {
    const { uid } = await handle.stat()
    if (uid === from || uid === to.uid) await handle.chown(to.uid, to.gid)
  } finally {
    await handle.close()
  }
}

/**
 * Changes all files in a folder, then the folder itself, so that a folder with its old owner shows an unfinished change. Links, and
 * files of other users, stay as they are.
 */
export const handOver = async (folder: string, from: number, to: RunAs): Promise<void> => {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) await handOver(file, from, to)
    else if (entry.isFile()) await handOverOne(file, from, to)
  }
  await handOverOne(folder, from, to)
}
