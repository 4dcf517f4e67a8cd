/**
 * A secret that is not configured: made once, kept in a file that only its owner can read, found again on the next start. Two
 * first starts at once agree on one secret, because only one of them can create the file.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { makeFolders } from "@greenroom/launcher"
import { Effect, Redacted } from "effect"
import { StartFailed } from "../config/StartFailed.ts"
import { isSendable, SECRET_MIN, sendable } from "../config/secretText.ts"

const notKept = (file: string, detail: string) =>
  new StartFailed({ kind: "internal", sentence: `The secret in ${file} cannot be kept: ${detail}` })

export interface LoadedSecret {
  readonly value: Redacted.Redacted<string>
  readonly file: string
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined

/** Writes beside the file, then links: the file is there whole or not at all. */
const create = async (file: string): Promise<void> => {
  const draft = `${file}.${randomBytes(6).toString("hex")}`
  await fs.writeFile(draft, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" })
  try {
    await fs.link(draft, file)
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
  } finally {
    await fs.rm(draft, { force: true })
  }
}

export const loadOrCreateSecret = Effect.fn("loadOrCreateSecret")(function* (directory: string, name: string) {
  const file = path.join(directory, name)
  const text = yield* Effect.tryPromise({
    try: async () => {
      await makeFolders(directory, 0o711)
      await fs.access(file).catch(() => create(file))
      return (await fs.readFile(file, "utf8")).trim()
    },
    catch: (error) => notKept(file, error instanceof Error ? error.message : String(error))
  })
  if (text === "") return yield* notKept(file, "the file is empty")
  if (!isSendable(text)) return yield* notKept(file, `expected ${sendable}`)
  if (text.length < SECRET_MIN) {
    return yield* notKept(file, `expected at least ${SECRET_MIN} characters`)
  }
  const kept: LoadedSecret = { value: Redacted.make(text, { label: name }), file }
  return kept
})
