/**
 * The compose file as it is, as a project of its own: the image that was built, free ports of the loopback, and volumes that go with it.
 * Encoders and players are the ffmpeg of MediaMTX's image.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SECRETS } from "./api.ts"
import { checkout, docker, IMAGE, tryDocker, uniqueName } from "./docker.ts"

const OVERRIDE = `services:
  api: { image: "${IMAGE}", build: !reset null, ports: !override ["127.0.0.1::8080"] }
  mediamtx: { ports: !override [] }
networks:
  greenroom:
    driver_opts: { com.docker.network.bridge.host_binding_ipv4: 127.0.0.1 }
`

const UP_WITHIN_MS = 240_000
const DOWN_WITHIN_MS = 120_000

export interface Project {
  readonly name: string
  /** With a deadline of a minute. */
  readonly compose: (...args: ReadonlyArray<string>) => Promise<string>
  readonly container: (service: string) => Promise<string>
  readonly call: (method: string, path: string, body?: unknown) => Promise<Response>
  readonly log: (service: string) => Promise<string>
  readonly publish: (path: string, key: string) => Encoder
  readonly down: () => Promise<void>
}

export interface Encoder {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>
  readonly isRunning: () => boolean
}

const encoder = (child: ChildProcess): Encoder => {
  const ended = once(child, "exit").then(([code]) => Number(code ?? 1))
  return { ended, isRunning: () => child.exitCode === null }
}

const picture =
  "-hide_banner -loglevel error -re -f lavfi -i testsrc=size=160x90:rate=10 -c:v libx264 -preset ultrafast -g 10"

export const startProject = async (): Promise<Project> => {
  const name = uniqueName()
  const folder = await mkdtemp(join(tmpdir(), "greenroom-compose-"))
  const file = join(folder, "override.yml")
  await writeFile(file, OVERRIDE)
  await writeFile(join(folder, "env"), "")
  const env = {
    ...process.env,
    COMPOSE_FILE: "",
    POSTGRES_PASSWORD: "apasswordofthetests",
    API_SECRET: SECRETS.api,
    HOOK_SECRET: SECRETS.hook
  }
  const files = ["--file", "docker-compose.yml", "--file", file, "--env-file", join(folder, "env")]
  const project = ["compose", "--project-name", name, "--project-directory", checkout, ...files]
  const down = async () => {
    await tryDocker([...project, "down", "--volumes", "--timeout", "5"], DOWN_WITHIN_MS, env)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await docker([...project, "up", "--detach", "--wait", "--no-build"], UP_WITHIN_MS, env)
  } catch (error) {
    const log = await tryDocker([...project, "logs", "--no-color"], undefined, env)
    await down()
    throw new Error(`${error}\n${log.out}`)
  }
  const compose = (...args: ReadonlyArray<string>) => docker([...project, ...args], undefined, env)
  const call = async (method: string, path: string, body?: unknown) =>
    fetch(`http://${await compose("port", "api", "8080")}${path}`, {
      method,
      headers: { authorization: `Bearer ${SECRETS.api}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000)
    })
  const publish = (path: string, key: string) => {
    const target = ["-f", "flv", `rtmp://127.0.0.1:1935/${path}?user=any&pass=${key}`]
    const args = [...project, "exec", "--no-TTY", "mediamtx", "ffmpeg", ...picture.split(" "), ...target]
    return encoder(spawn("docker", args, { cwd: checkout, env, stdio: "ignore" }))
  }
  return {
    name,
    compose,
    container: (service) => compose("ps", "--all", "--quiet", service),
    call,
    log: (service) => compose("logs", "--no-color", "--no-log-prefix", service),
    publish,
    down
  }
}
