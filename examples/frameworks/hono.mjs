import { serve } from "@hono/node-server"
import { createGreenroom } from "greenroom"
import { Hono } from "hono"

const { DATABASE_URL, MEDIAMTX_API_URL = "http://127.0.0.1:9997", GREENROOM_SECRET, PORT = "3000" } = process.env
const gr = await createGreenroom({
  database: DATABASE_URL ? { url: DATABASE_URL } : "memory",
  mediaMtx: { apiUrl: MEDIAMTX_API_URL, secret: GREENROOM_SECRET },
  publicUrl: "https://media.example.com"
})

const app = new Hono()
// authHTTPAddress: http://mediamtx:GREENROOM_SECRET@this-host:3000/mtx/auth
app.post("/mtx/*", ({ req }) => gr.fetch(req.raw))
app.post("/keys/:user", async (c) => {
  const externalId = c.req.param("user")
  await gr.broadcasters.upsert({ externalId, displayName: externalId })
  return c.json(await gr.keys.create({ broadcaster: { externalId } }), 201)
})
app.get("/live", async (c) => c.json(await gr.streams.live()))

const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" })
process.once("SIGTERM", () => server.close(() => gr.close()))
