/**
 * Opens connections to public addresses alone. Three checks, because each has a gap: Node does not look up a literal address, a name may have many
 * addresses, and only the connected socket shows where it leads. No byte is written before the last one, a TLS greeting neither.
 */
import { promises as dns, type LookupAddress, type LookupOptions } from "node:dns"
import { isIP, type LookupFunction, type Socket } from "node:net"
import * as Undici from "undici"

/** The guard refuses the place. */
export class Blocked extends Error {
  readonly code = "BLOCKED"
  constructor() {
    super("the address is not of the public internet")
  }
}

export interface ConnectOptions {
  readonly allows: (address: string) => boolean
  /** All addresses of a name. */
  readonly resolve?: (name: string) => Promise<ReadonlyArray<LookupAddress>>
  /** A CA to trust instead of the system's: for tests. */
  readonly ca?: string
}

const CONNECT_WITHIN_MS = 10_000

const resolveAll = (name: string): Promise<ReadonlyArray<LookupAddress>> => dns.lookup(name, { all: true })

/**
 * A look-up of the system holds one of Node's four threads until it ends, which a name server that does not answer makes long. Sends to one name
 * share one look-up, so that one name holds one thread.
 */
const sharing = (resolve: typeof resolveAll): typeof resolveAll => {
  const running = new Map<string, Promise<ReadonlyArray<LookupAddress>>>()
  return (name) => {
    const known = running.get(name)
    if (known !== undefined) return known
    const found = resolve(name).finally(() => running.delete(name))
    running.set(name, found)
    return found
  }
}

type Found = Parameters<LookupFunction>[2]

const guardedLookup = (resolve: typeof resolveAll, allows: ConnectOptions["allows"]): LookupFunction => {
  const lookup = async (name: string, { family, all }: LookupOptions, found: Found) => {
    const addresses = await resolve(name)
    // One blocked address blocks the name: which one is connected to is not ours to choose.
    if (!addresses.every(({ address }) => allows(address))) throw new Blocked()
    const wanted = addresses.filter((one) => family === undefined || family === 0 || one.family === family)
    const [first] = wanted
    if (first === undefined) throw Object.assign(new Error("no address"), { code: "ENOTFOUND" })
    if (all === true) return found(null, wanted)
    return found(null, first.address, first.family)
  }
  return (name, options, found) => {
    lookup(name, options, found).catch((error: NodeJS.ErrnoException) => found(error, "", 0))
  }
}

/** Before undici's or TLS's own listener, so that a refused socket has written nothing. */
const checkConnected = (socket: Socket, allows: ConnectOptions["allows"]) => {
  socket.prependOnceListener("connect", () => {
    if (!allows(socket.remoteAddress ?? "")) socket.destroy(new Blocked())
  })
}

export const guardedConnect = ({
  allows,
  resolve = resolveAll,
  ca
}: ConnectOptions): Undici.buildConnector.connector => {
  const connect = Undici.buildConnector({
    timeout: CONNECT_WITHIN_MS,
    allowH2: false,
    lookup: guardedLookup(sharing(resolve), allows),
    ...(ca === undefined ? {} : { ca })
  })
  return (options, callback) => {
    if (isIP(options.hostname) !== 0 && !allows(options.hostname)) {
      queueMicrotask(() => callback(new Blocked(), null))
      return
    }
    checkConnected(connect(options, callback) as unknown as Socket, allows)
  }
}
