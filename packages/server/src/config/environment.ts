/** The settings of this process: its environment, and the files that it names. */
import { accessSync, constants, readFileSync, statSync } from "node:fs"
import { Effect, Layer, Result } from "effect"
import { readSettings, Settings, sentenceOf } from "./Settings.ts"
import { misconfigured, type StartFailed } from "./StartFailed.ts"

const MAX_FILE = 64 * 1024

const readFile = (path: string): Result.Result<string, string> => {
  try {
    const text = readFileSync(path, "utf8")
    return text.length > MAX_FILE ? Result.fail("expected a file of at most 64 KiB") : Result.succeed(text)
  } catch {
    return Result.fail("expected a file that can be read")
  }
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

export const layer: Layer.Layer<Settings, StartFailed> = Layer.effect(
  Settings,
  Effect.suspend(() => {
    const settings = readSettings(process.env, { read: readFile, isProgram })
    return Result.isSuccess(settings)
      ? Effect.succeed(settings.success)
      : Effect.fail(misconfigured(sentenceOf(settings.failure)))
  })
)
