/**
 * The HTTP API as a value, for clients in TypeScript: `HttpApiClient.make(Api, { baseUrl })` of `effect/http-api` has a method for each call, with
 * its types, and imports nothing of the server. `ServedApi` is the part for operators.
 */
export { Api, ServedApi } from "./http/api/Api.ts"
