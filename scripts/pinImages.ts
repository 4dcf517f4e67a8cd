/**
 * Adds to each base image in docker/Dockerfile and docker-compose.yml the digest that its tag has now, or brings it up to date:
 * `node:24-bookworm-slim@sha256:…`. A tag can be moved; a digest names one image. The registry is asked through Docker's own client,
 * which knows its credentials and mirrors. Nothing is written unless every image was found.
 *
 *   pinImages.ts [folder of the repository]
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Cannot, orSay } from "./developer.ts"

const files = ["docker/Dockerfile", "docker-compose.yml"]

/** `FROM image` and `image: image`, with a tag; our own image, which is built here, is none of a registry. */
const reference = /^(FROM |\s+image: )(?!greenroom:)([\w./-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?(?=\s|$)/gm

/** Each image with its tag, once. */
export const imagesIn = (text: string): ReadonlyArray<string> => [
  ...new Set([...text.matchAll(reference)].map(([, , image]) => image!))
]

export const pinned = (text: string, digestOf: (image: string) => string): string =>
  text.replaceAll(reference, (_, before: string, image: string) => `${before}${image}@${digestOf(image)}`)

const digestFrom = (answer: string): string | undefined => {
  try {
    const { digest } = JSON.parse(answer)
    return /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined
  } catch {
    return undefined
  }
}

const lookUp = (image: string): string => {
  const args = ["buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", image]
  const why = "expected Docker with buildx, and a registry that it reaches; nothing was written"
  try {
    const answer = execFileSync("docker", args, {
      encoding: "utf8",
      timeout: 60_000,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const digest = digestFrom(answer)
    if (digest !== undefined) return digest
  } catch {
    // reported below
  }
  throw new Cannot(`the digest of ${image} cannot be found: ${why}`)
}

const pinAll = (root: string): void => {
  const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }))
  const images = new Set(texts.flatMap(({ text }) => imagesIn(text)))
  const digests = new Map([...images].map((image) => [image, lookUp(image)]))
  for (const { file, text } of texts)
    writeFileSync(
      join(root, file),
      pinned(text, (image) => digests.get(image)!)
    )
  for (const [image, digest] of digests) console.log(`${image} ${digest}`)
}

if (import.meta.main) await orSay(() => pinAll(process.argv[2] ?? "."))
