/** The data directory: made when it is absent, and tested, so that a wrong one is reported before anything begins. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { makeFolders } from "@greenroom/launcher"
import { Effect } from "effect"
import { misconfigured } from "../config/StartFailed.ts"

const mayNot = `user ${process.getuid?.() ?? process.env.USER} may not write there`
const words: Readonly<Record<string, string>> = {
  EACCES: mayNot,
  EPERM: mayNot,
  ENOENT: "nothing can be made there",
  ENOTDIR: "it, or what is above it, is no folder",
  EROFS: "its file system is read-only",
  ENOSPC: "no space is left there",
  ENAMETOOLONG: "its name is too long"
}

const wordsFor = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return (code === undefined ? undefined : words[code]) ?? message
}

/** Others may pass through it, though not read it: as root, the database runs as another user. */
export const usableDataDirectory = (directory: string) =>
  Effect.tryPromise({
    try: async () => {
      await makeFolders(directory, 0o711)
      await fs.rmdir(await fs.mkdtemp(path.join(directory, ".tried-")))
    },
    catch: (error) =>
      misconfigured(
        `The data directory ${directory} cannot be used: ${wordsFor(error)}. Choose another (DATA_DIR), or set DATABASE_URL and MEDIAMTX_API_URL: with a database and a media server of your own none is needed.`
      )
  })
