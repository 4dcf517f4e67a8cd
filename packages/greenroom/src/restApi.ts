/** The REST API as a web handler. It is the server's own, which only those load who want it. */
import type { Context } from "effect"
import type { Services } from "./application.ts"
import type { WebHandler } from "./fetch.ts"
import { GreenroomError } from "./GreenroomError.ts"

export interface Rest {
  readonly handler: WebHandler
  readonly dispose: () => Promise<void>
}

const below = (request: Request, basePath: string): Request | null => {
  const url = new URL(request.url)
  if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return null
  url.pathname = url.pathname.slice(basePath.length) || "/"
  return basePath === "" ? request : new Request(url, request)
}

export const restOf = async (services: Context.Context<Services>, basePath: string): Promise<Rest> => {
  const { makeWebHandler } = await import("@greenroom/server/rest").catch((cause: unknown) => {
    const expected = "the REST API is in the package @greenroom/server: install it, in the version of this package"
    throw new GreenroomError("invalid_argument", `rest: ${expected}`, { argument: "rest", cause })
  })
  const { handler, dispose } = makeWebHandler(services)
  return {
    handler: async (request) => {
      const inner = below(request, basePath)
      return inner === null ? new Response(null, { status: 404 }) : handler(inner)
    },
    dispose
  }
}
