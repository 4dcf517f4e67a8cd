/** A stream key as the API shows it: with its status at a time. Pure. */
import { type KeyAt, keyStatus } from "@greenroom/core"
import type { StreamKey } from "../api/streamKeySchemas.ts"

export const streamKeyShown = ({ key, now }: KeyAt): typeof StreamKey.Type => ({ ...key, status: keyStatus(key, now) })
