import { createHash } from "node:crypto"
import { createGreenroom } from "greenroom"

const options = {
  database: process.env.DATABASE_URL ? { url: process.env.DATABASE_URL } : "memory",
  mediaMtx: { apiUrl: process.env.MEDIAMTX_API_URL, secret: process.env.GREENROOM_SECRET },
  publicUrl: "https://media.example.com"
}
const hash = createHash("sha256").update(JSON.stringify(options)).digest("hex")

/** One object a process, also when a file is loaded anew in development: another configuration closes the old one. */
export const greenroom = () => {
  const kept = globalThis.greenroom
  if (kept?.hash === hash) return kept.created
  const created = Promise.resolve(kept?.created)
    .then((old) => old?.close())
    .then(() => createGreenroom(options))
  globalThis.greenroom = { hash, created }
  return created
}
