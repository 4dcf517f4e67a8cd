/**
 * Docker's own command line, with a deadline for each call: what an operator types is what the tests run. Everything that is started here
 * is named in one list, and `removeAll` removes just that.
 */
import { execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"

export const checkout = fileURLToPath(new URL("../..", import.meta.url))

export interface Finished {
  readonly code: number
  readonly out: string
  readonly err: string
}

const CALL_WITHIN_MS = 60_000
const OUTPUT_BYTES = 32 * 1024 * 1024

/** Resolves however the command ends. */
export const tryDocker = (args: ReadonlyArray<string>, within = CALL_WITHIN_MS, env = process.env): Promise<Finished> =>
  new Promise((resolve) => {
    const options = { cwd: checkout, env, timeout: within, maxBuffer: OUTPUT_BYTES }
    const child = execFile("docker", args, options, (error, out, err) =>
      resolve({
        code: error === null ? 0 : (child.exitCode ?? 1),
        out,
        err: error === null ? err : err || error.message
      })
    )
  })

export const docker = async (
  args: ReadonlyArray<string>,
  within = CALL_WITHIN_MS,
  env = process.env
): Promise<string> => {
  const { code, out, err } = await tryDocker(args, within, env)
  if (code !== 0) throw new Error(`docker ${args.slice(0, 3).join(" ")} … ended with ${code}: ${err.trim()}`)
  return out.trim()
}

/** Null when an engine answers, else why none can be had. */
export const noEngine = async (): Promise<string | null> => {
  const { code, err } = await tryDocker(["info", "--format", "{{.ServerVersion}}"], 20_000)
  if (code === 0) return null
  return /ENOENT/.test(err) ? "the command docker is not there" : "no Docker daemon answers"
}

const PULL_WITHIN_MS = 300_000

/** Null when the image is there or could be pulled, else why not. */
export const noImage = async (image: string): Promise<string | null> => {
  if ((await tryDocker(["image", "inspect", image])).code === 0) return null
  return (await tryDocker(["pull", "--quiet", image], PULL_WITHIN_MS)).code === 0
    ? null
    : `the image ${image} is not here and could not be pulled`
}

export const IMAGE = "greenroom:containers"
const BUILD_WITHIN_MS = 900_000

/** As `docs/operating.md` has it. */
export const buildImage = (): Promise<Finished> =>
  tryDocker(["build", "--tag", IMAGE, "--file", "docker/Dockerfile", "."], BUILD_WITHIN_MS)

export const uniqueName = (): string => `greenroom-test-${randomBytes(5).toString("hex")}`

const toRemove: Array<ReadonlyArray<string>> = []

/** A network that publishes ports on the loopback alone. */
export const startNetwork = async (): Promise<string> => {
  const name = uniqueName()
  const loopback = "com.docker.network.bridge.host_binding_ipv4=127.0.0.1"
  await docker(["network", "create", "--opt", loopback, name])
  toRemove.push(["network", "rm", name])
  return name
}

export const makeVolume = async (): Promise<string> => {
  const name = await docker(["volume", "create", uniqueName()])
  toRemove.push(["volume", "rm", name])
  return name
}

/** The container's id. It stays after its end, for its log and its exit code, until `removeAll`. */
export const run = async (args: ReadonlyArray<string>): Promise<string> => {
  const name = uniqueName()
  toRemove.push(["rm", "--force", "--volumes", name])
  await docker(["run", "--detach", "--name", name, ...args])
  return name
}

/** The newest first: a network goes after its containers. */
export const removeAll = async (): Promise<void> => {
  for (const args of toRemove.splice(0).reverse()) await tryDocker(args)
}

export const inspect = (container: string, format: string): Promise<string> =>
  docker(["inspect", "--format", format, container])

/**
 * A field of `/proc/…/status`, its first word, of the container's first process and of the children of that: not of what `docker exec` or a
 * health check has just put beside them.
 */
export const statusesOf = async (container: string, field: string): Promise<ReadonlyArray<string>> => {
  const text = await docker([
    ...["exec", container, "sh", "-c", `grep -E '^(PPid|${field}):' /proc/[0-9]*/status 2>/dev/null; true`]
  ])
  const found = new Map<string, Record<string, string>>()
  for (const [, id, name, value] of text.matchAll(/^\/proc\/(\d+)\/status:(\w+):\s*(\S+)/gm)) {
    found.set(id!, { ...found.get(id!), [name!]: value! })
  }
  const own = [...found].filter(([id, { PPid }]) => id === "1" || PPid === "1")
  return [...new Set(own.flatMap(([, fields]) => fields[field] ?? []))]
}

export interface Log {
  readonly out: string
  readonly err: string
}

export const logOf = async (container: string): Promise<Log> => {
  const { out, err } = await tryDocker(["logs", container])
  return { out, err }
}

/**
 * Resolves with the first event of the container that is one of these, such as `health_status: healthy` or `die`; also when it happened
 * already, since the container's start.
 */
export const eventOf = (container: string, wanted: ReadonlyArray<string>, within: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("docker", [
      ...["events", "--since", "1h", "--filter", `container=${container}`, "--format", "{{.Action}}"]
    ])
    let text = ""
    const finish = () => {
      clearTimeout(timer)
      child.kill()
    }
    const timer = setTimeout(() => {
      finish()
      reject(new Error(`${container}: none of ${wanted.join(", ")} within ${within} ms, but: ${text.trim()}`))
    }, within)
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      const found = text.split("\n").find((line) => wanted.includes(line))
      if (found === undefined) return
      finish()
      resolve(found)
    })
    child.once("error", (error) => {
      finish()
      reject(error)
    })
  })
