/** A host that embeds Greenroom: `node:http` and `toNodeHandler`, on the database of the service that is measured, which reconciles. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createGreenroom } from "greenroom"
import { toNodeHandler } from "greenroom/node"

const { HOST_OPTIONS } = process.env
const { url, apiUrl, secret } = JSON.parse(HOST_OPTIONS ?? "") as Readonly<Record<"url" | "apiUrl" | "secret", string>>

const gr = await createGreenroom({ database: { url }, mediaMtx: { apiUrl, secret }, reconcile: false })
const server = createServer(toNodeHandler(gr))
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
process.once("SIGTERM", () => server.close(() => gr.close().then(() => process.exit(0))))
