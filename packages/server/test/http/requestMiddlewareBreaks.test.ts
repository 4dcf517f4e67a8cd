/** The request middleware breaks itself: the request has an answer all the same, and the log has the cause. */
import { Layer, Logger, ManagedRuntime } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { afterAll, expect, it } from "vitest"
import * as RequestMiddleware from "../../src/http/middleware/requestMiddleware.ts"
import { RouteTable } from "../../src/http/routes/RouteTable.ts"
import { serve } from "../../src/http/Serve.ts"
import { assertProblem } from "./support/assertProblem.ts"
import { call } from "./support/client.ts"

const logged: Array<string> = []
const logger = Logger.make(({ cause }) => logged.push(String(cause)))

const broken = Layer.succeed(RouteTable, {
  methodsAt: () => {
    throw new Error("a defect of the middleware")
  },
  patternAt: () => null,
  direct: null
})
const routes = HttpRouter.add("GET", "/there", HttpServerResponse.empty()).pipe(
  Layer.provide(RequestMiddleware.layer),
  Layer.provide(broken)
)
const runtime = ManagedRuntime.make(
  serve(routes, { host: "127.0.0.1", port: 0 }).pipe(Layer.provide(Logger.layer([logger])))
)
afterAll(() => runtime.dispose())

it("answers 500 with a problem document, logs why, and goes on", async () => {
  const { address } = await runtime.runPromise(HttpServer.HttpServer)
  const base = `http://127.0.0.1:${"port" in address ? address.port : 0}`
  assertProblem(await call({ base }, "GET", "/nothing?pass=topsecret"), "internal")
  await expect.poll(() => logged.join("\n")).toContain("a defect of the middleware")
  expect(logged.join("\n")).not.toContain("topsecret")
  expect((await call({ base }, "GET", "/there")).status).toBe(204)
})
