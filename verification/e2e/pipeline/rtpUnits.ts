/**
 * What RTP packets carry, however they were cut into packets: pictures' slices (H.264, RFC 6184) and access units of sound (AAC, RFC 3640
 * in its `AAC-hbr` mode). A worker that copies sends equal units in packets of its own.
 */

export type Depacketizer = (payload: Buffer) => ReadonlyArray<Buffer>

const SINGLE_TIME_AGGREGATION = 24
const FRAGMENT = 28

const isSlice = (unit: Buffer): boolean => unit.length > 0 && [1, 5].includes(unit[0]! & 31)

/** The slices that the packet completes; parameter sets and the like are left out. */
export const h264Units = (): Depacketizer => {
  let fragments: Array<Buffer> = []
  const unitsOf = (payload: Buffer): ReadonlyArray<Buffer> => {
    const type = payload[0]! & 31
    if (type === SINGLE_TIME_AGGREGATION) {
      const units: Array<Buffer> = []
      for (let at = 1; at + 2 <= payload.length; ) {
        const end = at + 2 + payload.readUInt16BE(at)
        units.push(payload.subarray(at + 2, end))
        at = end
      }
      return units
    }
    if (type !== FRAGMENT) return [payload]
    const header = payload[1]!
    if ((header & 128) !== 0) fragments = [Buffer.from([(payload[0]! & 224) | (header & 31)])]
    else if (fragments.length === 0) return []
    fragments.push(payload.subarray(2))
    if ((header & 64) === 0) return []
    const unit = Buffer.concat(fragments)
    fragments = []
    return [unit]
  }
  return (payload) => (payload.length < 2 ? [] : unitsOf(payload).filter(isSlice))
}

/** Headers of 13 bits of size and 3 of index; units of more than a packet are left out. */
export const aacUnits = (): Depacketizer => (payload) => {
  if (payload.length < 4) return []
  const headers = payload.readUInt16BE(0) / 16
  const units: Array<Buffer> = []
  let at = 2 + 2 * headers
  for (let index = 0; index < headers; index++) {
    const size = payload.readUInt16BE(2 + 2 * index) >> 3
    if (at + size > payload.length) return units
    units.push(payload.subarray(at, at + size))
    at += size
  }
  return units
}

/** The payload of an RTP packet, without its header, extension and padding. */
export const rtpPayload = (packet: Buffer): Buffer => {
  if (packet.length < 12) return Buffer.alloc(0)
  const first = packet[0]!
  let begin = 12 + 4 * (first & 15)
  if ((first & 16) !== 0) begin += 4 + 4 * (begin + 4 <= packet.length ? packet.readUInt16BE(begin + 2) : 0)
  const padding = (first & 32) === 0 ? 0 : packet[packet.length - 1]!
  return packet.subarray(begin, Math.max(begin, packet.length - padding))
}
