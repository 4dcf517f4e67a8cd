/** How `npm start` bounds the memory of the service: what is measured or attacked runs as a user's does. */
import { readFileSync } from "node:fs"

export const heapBounds = (): string => {
  const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  return [...String(scripts.start).matchAll(/--max-\S+/g)].join(" ")
}
