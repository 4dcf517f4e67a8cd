import Fastify from "fastify"
import { createGreenroom } from "greenroom"

const { DATABASE_URL, MEDIAMTX_API_URL = "http://127.0.0.1:9997", GREENROOM_SECRET, PORT = "3000" } = process.env
const gr = await createGreenroom({
  database: DATABASE_URL ? { url: DATABASE_URL } : "memory",
  mediaMtx: { apiUrl: MEDIAMTX_API_URL, secret: GREENROOM_SECRET },
  publicUrl: "https://media.example.com"
})

const app = Fastify()
// authHTTPAddress: http://mediamtx:GREENROOM_SECRET@this-host:3000/mtx/auth
app.post("/mtx/*", ({ url, headers, body }) =>
  gr.fetch(new Request(new URL(url, "http://host"), { method: "POST", headers, body: JSON.stringify(body) }))
)
app.post("/keys/:user", async ({ params: { user } }, reply) => {
  await gr.broadcasters.upsert({ externalId: user, displayName: user })
  return reply.code(201).send(await gr.keys.create({ broadcaster: { externalId: user } }))
})
app.get("/live", () => gr.streams.live())
app.addHook("onClose", () => gr.close())

await app.listen({ port: Number(PORT), host: "127.0.0.1" })
process.once("SIGTERM", () => app.close())
