/** What a player calls itself, as it is stored and shown: without control characters and stream keys, and of bounded length. */
import { withoutKeys } from "../access/StreamPath.ts"
import { storable } from "../values/PlainText.ts"

const USER_AGENT_MAX_LENGTH = 255

/** `null`: it sends none. */
export const shownUserAgent = (text: string | null | undefined): string | null =>
  text === null || text === undefined || text === ""
    ? null
    : storable(withoutKeys(text).slice(0, USER_AGENT_MAX_LENGTH))
