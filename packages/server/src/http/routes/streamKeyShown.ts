/** A stream key as the API shows it: with its status at a time. Pure. */
import { activeBlock, type KeyAt, keyStatus, revocationOf } from "@greenroom/core"
import type { StreamKey } from "../api/streamKeySchemas.ts"

export const streamKeyShown = ({ key, now }: KeyAt): typeof StreamKey.Type => {
  const block = activeBlock(key, now)
  return {
    ...key,
    broadcaster: { id: key.broadcasterId, ...key.broadcaster },
    ...revocationOf(key, now),
    status: keyStatus(key, now),
    blockedUntil: block?.until ?? null,
    blockedPath: block?.path ?? null
  }
}
