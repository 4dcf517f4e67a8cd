import { greenroom } from "../../../lib/greenroom.js"

export const dynamic = "force-dynamic"
// authHTTPAddress: http://mediamtx:GREENROOM_SECRET@this-host:3000/mtx/auth
export const POST = async (request) => (await greenroom()).fetch(request)
