import { greenroom } from "../../../lib/greenroom.js"

export const dynamic = "force-dynamic"
export const POST = async (_, { params }) => {
  const { user } = await params
  const gr = await greenroom()
  await gr.broadcasters.upsert({ externalId: user, displayName: user })
  return Response.json(await gr.keys.create({ broadcaster: { externalId: user } }), { status: 201 })
}
