import { greenroom } from "../../lib/greenroom.js"

export const dynamic = "force-dynamic"
export const GET = async () => Response.json(await (await greenroom()).streams.live())
