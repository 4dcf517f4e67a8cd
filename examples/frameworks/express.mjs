import express from "express"
import { createGreenroom } from "greenroom"
import { toNodeHandler } from "greenroom/node"

const { DATABASE_URL, MEDIAMTX_API_URL = "http://127.0.0.1:9997", GREENROOM_SECRET, PORT = "3000" } = process.env
const gr = await createGreenroom({
  database: DATABASE_URL ? { url: DATABASE_URL } : "memory",
  mediaMtx: { apiUrl: MEDIAMTX_API_URL, secret: GREENROOM_SECRET },
  publicUrl: "https://media.example.com"
})

const app = express()
// authHTTPAddress: http://mediamtx:GREENROOM_SECRET@this-host:3000/mtx/auth
app.use("/mtx", toNodeHandler(gr))
app.post("/keys/:user", async ({ params: { user } }, response) => {
  await gr.broadcasters.upsert({ externalId: user, displayName: user })
  response.status(201).json(await gr.keys.create({ broadcaster: { externalId: user } }))
})
app.get("/live", async (_, response) => response.json(await gr.streams.live()))

const server = app.listen(Number(PORT), "127.0.0.1")
process.once("SIGTERM", () => server.close(() => gr.close()))
