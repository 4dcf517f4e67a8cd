/** A process of its own: opens and closes Greenroom, with listeners, and then has nothing to do. */
import { createGreenroom } from "../src/index.ts"

const gr = await createGreenroom({
  database: { url: process.env.DATABASE ?? "" },
  mediaMtx: { apiUrl: "http://127.0.0.1:9", secret: "a secret of some length" },
  logger: () => {}
})
gr.on("stream.active", () => {})
await gr.streams.live()
await gr.close()
console.log("closed")
