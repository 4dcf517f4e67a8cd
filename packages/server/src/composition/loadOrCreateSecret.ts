/**
 * A secret that is not configured: made once, kept in a file that only its owner can read, found again on the next start. Two
 * first starts at once agree on one secret, because only one of them can create the file.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { makeFolders } from "@greenroom/launcher"
import { Effect, Redacted, Schema } from "effect"
import { isSendable, SECRET_MIN, sendable } from "../config/secretText.ts"

export class SecretNotKept extends Schema.TaggedError<SecretNotKept>()("SecretNotKept", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `The secret in ${this.file} cannot be kept: ${this.detail}`
  }
}

export interface KeptSecret {
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

export const loadOrCreateSecret = Effect.fn("keptSecret")(function* (directory: string, name: string) {
  const file = path.join(directory, name)
  const text = yield* Effect.tryPromise({
    try: async () => {
      await makeFolders(directory, 0o711)
      await fs.access(file).catch(() => create(file))
      return (await fs.readFile(file, "utf8")).trim()
    },
    catch: (error) => new SecretNotKept({ file, detail: error instanceof Error ? error.message : String(error) })
  })
  if (text === "") return yield* new SecretNotKept({ file, detail: "the file is empty" })
  if (!isSendable(text)) return yield* new SecretNotKept({ file, detail: `expected ${sendable}` })
  if (text.length < SECRET_MIN) {
    return yield* new SecretNotKept({ file, detail: `expected at least ${SECRET_MIN} characters` })
  }
  const kept: KeptSecret = { value: Redacted.make(text, { label: name }), file }
  return kept
})
