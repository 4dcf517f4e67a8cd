/** Which PostgreSQL the tests get. Pure: `chooseDatabase.ts` gathers the facts and starts what was chosen. */

export type Containers = "auto" | "required" | "off"

export interface Facts {
  /** `TEST_DATABASE_URL`. */
  readonly url: string | undefined
  /** `CONTAINERS`. */
  readonly containers: Containers
  /** Why no container can be had; null when one can. Not looked at before it matters. */
  readonly noRuntime: () => Promise<string | null>
}

export type Choice =
  | { readonly from: "url" }
  | { readonly from: "container" }
  | { readonly from: "embedded"; readonly because: string }
  | { readonly from: "nowhere"; readonly because: string }

export const containersFrom = (text: string | undefined): Containers => {
  if (text === undefined || text === "") return "auto"
  if (text === "auto" || text === "required" || text === "off") return text
  throw new Error(`CONTAINERS: expected auto, required or off, got ${JSON.stringify(text)}`)
}

export const decideDatabase = async ({ url, containers, noRuntime }: Facts): Promise<Choice> => {
  if (url !== undefined && containers !== "required") return { from: "url" }
  if (containers === "off") return { from: "embedded", because: "CONTAINERS=off" }
  const because = await noRuntime()
  if (because === null) return { from: "container" }
  return { from: containers === "required" ? "nowhere" : "embedded", because }
}
