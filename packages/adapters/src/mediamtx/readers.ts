/** The sessions that read a path, as the list of paths has them, and how many of them are viewers. */
import { type ListedReader, protocols, sourceTypes, type ViewerProtocol } from "@greenroom/core"
import type { PathItem } from "./ControlApiSchema.ts"

/**
 * By the lower case: `webRTCSession` is `webrtcSession` up to 1.10. What is not here is no viewer: `hlsMuxer` (up to 1.17), which makes HLS of the
 * stream whether or not there is a viewer, and recorders and forwarders.
 */
const protocolOfType = new Map<string, ViewerProtocol>([
  ...protocols.map((protocol) => [sourceTypes[protocol].toLowerCase(), protocol] as const),
  ["hlssession", "hls"]
])

/** MediaMTX has eight names for all readers there are. */
const protocolsByName = new Map<string, ViewerProtocol | null>()
const NAMES_MAX = 100
const protocolOf = (type: string): ViewerProtocol | null => {
  const known = protocolsByName.get(type)
  if (known !== undefined) return known
  const protocol = protocolOfType.get(type.toLowerCase()) ?? null
  if (protocolsByName.size < NAMES_MAX) protocolsByName.set(type, protocol)
  return protocol
}

export const readersOf = ({ name, readers }: PathItem): ReadonlyArray<ListedReader> => {
  const found: Array<ListedReader> = []
  for (const { type, id } of readers ?? []) {
    const protocol = protocolOf(type)
    if (protocol !== null && id !== undefined && id !== "") found.push({ protocol, id, path: name })
  }
  return found
}

export const viewerCountOf = (item: PathItem): number => readersOf(item).length
