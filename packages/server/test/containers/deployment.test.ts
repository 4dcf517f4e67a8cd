/**
 * The files with which an operator runs Greenroom: Kubernetes manifests and a systemd unit. No cluster is here. Their text is held to a strict schema of what
 * they use (a misspelt field would silently mean its default), to the settings and times of the service, and to kubectl and systemd-analyze where they are.
 */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parse, parseAllDocuments } from "yaml"
import { DATABASE_PATIENCE_SECONDS } from "../../src/composition/databaseAddress.ts"
import { variableNames } from "../../src/config/Settings.ts"
import { OPEN_FILES_WANTED } from "../../src/http/listener/listenerLimits.ts"

const root = new URL("../../../../", import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), "utf8")
const strict = { onExcessProperty: "error", errors: "all" } as const

const Name = Schema.String.check(Schema.isPattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/))
const Labels = Schema.Record(Schema.String, Schema.String)
const Meta = Schema.Struct({ name: Name, namespace: Schema.optionalKey(Name), labels: Schema.optionalKey(Labels) })
const Selector = Schema.Struct({ matchLabels: Labels })
const Probe = Schema.Struct({
  httpGet: Schema.Struct({ path: Schema.Literals(["/livez", "/readyz"]), port: Name }),
  periodSeconds: Schema.Int,
  timeoutSeconds: Schema.Int,
  failureThreshold: Schema.Int
})
const cpu = Schema.String.check(Schema.isPattern(/^\d+m?$/))
const memory = Schema.String.check(Schema.isPattern(/^\d+(Mi|Gi)$/))
const EnvFrom = Schema.Union([
  Schema.Struct({ configMapRef: Schema.Struct({ name: Name }) }),
  Schema.Struct({ secretRef: Schema.Struct({ name: Name }) })
])
/** What the namespace's level, `restricted`, wants of every container. */
const ContainerSecurity = Schema.Struct({
  allowPrivilegeEscalation: Schema.Literal(false),
  readOnlyRootFilesystem: Schema.Literal(true),
  capabilities: Schema.Struct({ drop: Schema.Tuple([Schema.Literal("ALL")]) })
})
const PodSecurity = Schema.Struct({
  runAsNonRoot: Schema.Literal(true),
  runAsUser: Schema.Int.check(Schema.isGreaterThan(0)),
  runAsGroup: Schema.Int.check(Schema.isGreaterThan(0)),
  fsGroup: Schema.optionalKey(Schema.Int),
  seccompProfile: Schema.Struct({ type: Schema.Literal("RuntimeDefault") })
})
const Resources = Schema.Struct({
  requests: Schema.Struct({ cpu, memory }),
  limits: Schema.Struct({ memory })
})
const common = {
  name: Name,
  image: Schema.String,
  args: Schema.Array(Schema.Literals(["serve", "migrate"])),
  envFrom: Schema.Array(EnvFrom),
  resources: Resources,
  securityContext: ContainerSecurity
}
const Server = Schema.Struct({
  ...common,
  imagePullPolicy: Schema.Literal("IfNotPresent"),
  ports: Schema.Array(Schema.Struct({ name: Name, containerPort: Schema.Int })),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  lifecycle: Schema.Struct({
    preStop: Schema.Struct({ exec: Schema.Struct({ command: Schema.Tuple([Schema.Literal("sleep"), Schema.String]) }) })
  }),
  volumeMounts: Schema.Array(Schema.Struct({ name: Name, mountPath: Schema.String }))
})
const pod = {
  serviceAccountName: Name,
  automountServiceAccountToken: Schema.Literal(false),
  securityContext: PodSecurity
}
const Deployment = Schema.Struct({
  apiVersion: Schema.Literal("apps/v1"),
  kind: Schema.Literal("Deployment"),
  metadata: Meta,
  spec: Schema.Struct({
    replicas: Schema.Int,
    revisionHistoryLimit: Schema.Int,
    selector: Selector,
    strategy: Schema.Struct({
      type: Schema.Literal("RollingUpdate"),
      rollingUpdate: Schema.Struct({ maxSurge: Schema.Int, maxUnavailable: Schema.Literal(0) })
    }),
    template: Schema.Struct({
      metadata: Schema.Struct({ labels: Labels, annotations: Labels }),
      spec: Schema.Struct({
        ...pod,
        terminationGracePeriodSeconds: Schema.Int,
        topologySpreadConstraints: Schema.Array(
          Schema.Struct({
            maxSkew: Schema.Int,
            topologyKey: Schema.String,
            whenUnsatisfiable: Schema.Literals(["ScheduleAnyway", "DoNotSchedule"]),
            labelSelector: Selector
          })
        ),
        containers: Schema.Tuple([Server]),
        volumes: Schema.Array(Schema.Struct({ name: Name, emptyDir: Schema.Struct({ sizeLimit: memory }) }))
      })
    })
  })
})
const Job = Schema.Struct({
  apiVersion: Schema.Literal("batch/v1"),
  kind: Schema.Literal("Job"),
  metadata: Schema.Struct({ generateName: Schema.String, namespace: Name }),
  spec: Schema.Struct({
    backoffLimit: Schema.Literal(0),
    activeDeadlineSeconds: Schema.Int,
    ttlSecondsAfterFinished: Schema.Int,
    template: Schema.Struct({
      spec: Schema.Struct({
        ...pod,
        restartPolicy: Schema.Literal("Never"),
        containers: Schema.Tuple([
          Schema.Struct({
            ...common,
            env: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))
          })
        ])
      })
    })
  })
})
const Port = Schema.Struct({ name: Name, port: Schema.Int, targetPort: Name })
const Peer = Schema.Struct({
  namespaceSelector: Schema.Struct({ matchLabels: Schema.optionalKey(Labels) }),
  podSelector: Schema.optionalKey(Selector)
})
const core = <const K extends string, F extends Schema.Struct.Fields>(apiVersion: string, kind: K, fields: F) =>
  Schema.Struct({ apiVersion: Schema.Literal(apiVersion), kind: Schema.Literal(kind), metadata: Meta, ...fields })
const kinds = {
  Deployment,
  Job,
  Namespace: core("v1", "Namespace", {}),
  ServiceAccount: core("v1", "ServiceAccount", { automountServiceAccountToken: Schema.Literal(false) }),
  ConfigMap: core("v1", "ConfigMap", { data: Labels }),
  Secret: core("v1", "Secret", { type: Schema.Literal("Opaque"), stringData: Labels }),
  Service: core("v1", "Service", { spec: Schema.Struct({ selector: Labels, ports: Schema.Array(Port) }) }),
  PodDisruptionBudget: core("policy/v1", "PodDisruptionBudget", {
    spec: Schema.Struct({ minAvailable: Schema.Int, selector: Selector })
  }),
  NetworkPolicy: core("networking.k8s.io/v1", "NetworkPolicy", {
    spec: Schema.Struct({
      podSelector: Selector,
      policyTypes: Schema.Tuple([Schema.Literal("Ingress")]),
      ingress: Schema.Array(
        Schema.Struct({
          from: Schema.optionalKey(Schema.Array(Peer)),
          ports: Schema.Array(Schema.Struct({ port: Name }))
        })
      )
    })
  })
} as const
type Kind = keyof typeof kinds

const folder = "docker/kubernetes/"
const files = readdirSync(new URL(folder, root)).filter((name) => name.endsWith(".yaml"))
const documentsIn = (file: string): ReadonlyArray<{ readonly kind: string }> =>
  parseAllDocuments(text(`${folder}${file}`)).map((one) => one.toJS())
const documents = files.filter((name) => name !== "kustomization.yaml").flatMap(documentsIn)

const decoded = (kind: Kind) => (document: unknown) =>
  Schema.decodeUnknownResult(kinds[kind] as Schema.Codec<unknown>)(document, strict)
const one = <K extends Kind>(kind: K): (typeof kinds)[K]["Type"] =>
  Schema.decodeUnknownSync(kinds[kind] as never)(
    documents.find((document) => document.kind === kind),
    strict
  ) as never

describe("the Kubernetes manifests", () => {
  it("are of the shape that the cluster takes, each; a misspelt field and a wrong value are noticed", () => {
    assert.isAbove(documents.length, 9)
    for (const document of documents) {
      assert.property(kinds, document.kind)
      const result = decoded(document.kind as Kind)(document)
      assert.isTrue(Result.isSuccess(result), Result.isFailure(result) ? `${document.kind}: ${result.failure}` : "")
    }
    const deployment = text(`${folder}deployment.yaml`)
    for (const [right, wrong] of [
      ["readinessProbe:", "readynessProbe:"],
      ["runAsNonRoot: true", "runAsNonRoot: false"],
      ["readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"],
      ["drop: [ALL]", "drop: []"],
      ["maxUnavailable: 0", "maxUnavailable: 1"],
      ["memory: 768Mi", "memory: 768"]
    ] as const) {
      assert.include(deployment, right)
      assert.isTrue(Result.isFailure(decoded("Deployment")(parse(deployment.replace(right, wrong)))), wrong)
    }
  })

  it("give the service only variables that it reads, and no secret has a value", () => {
    const { data } = one("ConfigMap")
    const secrets = documents.filter(({ kind }) => kind === "Secret") as unknown as ReadonlyArray<{
      readonly stringData: Readonly<Record<string, string>>
    }>
    assert.lengthOf(secrets, 2)
    for (const { stringData } of secrets) {
      for (const [name, value] of Object.entries(stringData)) {
        assert.include(variableNames, name)
        assert.strictEqual(value, "")
      }
    }
    for (const name of Object.keys(data)) assert.include(variableNames, name)
    assert.strictEqual(data.DATABASE_MIGRATE, "check")
  })

  it("lead services, budget and policy to the pods, by ports that they have", () => {
    const deployment = one("Deployment")
    const { labels } = deployment.spec.template.metadata
    const [server] = deployment.spec.template.spec.containers
    const ports = new Map(server.ports.map(({ name, containerPort }) => [name, containerPort]))
    const { data } = one("ConfigMap")
    assert.deepStrictEqual([...ports.values()].map(String), ["8080", data.HOOK_PORT, data.METRICS_PORT])
    const services = documents.filter(({ kind }) => kind === "Service") as unknown as ReadonlyArray<
      (typeof kinds)["Service"]["Type"]
    >
    for (const { spec } of services) {
      assert.deepStrictEqual(spec.selector, labels)
      for (const { targetPort } of spec.ports) assert.isTrue(ports.has(targetPort), targetPort)
    }
    const policy = one("NetworkPolicy").spec
    for (const selector of [deployment.spec.selector, one("PodDisruptionBudget").spec.selector, policy.podSelector])
      assert.deepStrictEqual(selector.matchLabels, labels)
    assert.deepStrictEqual(
      policy.ingress.flatMap((rule) => rule.ports.map(({ port }) => port)),
      [...ports.keys()]
    )
    for (const probe of [server.startupProbe, server.livenessProbe, server.readinessProbe])
      assert.isTrue(ports.has(probe.httpGet.port))
    assert.isBelow(one("PodDisruptionBudget").spec.minAvailable, deployment.spec.replicas)
  })

  it("give the service its times: to wait for the database, and to finish open requests", () => {
    const { terminationGracePeriodSeconds, containers } = one("Deployment").spec.template.spec
    const [{ startupProbe, lifecycle }] = containers
    assert.isAbove(startupProbe.periodSeconds * startupProbe.failureThreshold, DATABASE_PATIENCE_SECONDS)
    assert.isAtLeast(terminationGracePeriodSeconds, Number(lifecycle.preStop.exec.command[1]) + 35)
  })

  it("run migrations in a job of their own, with the owner's secret", () => {
    const [{ args, envFrom }] = one("Job").spec.template.spec.containers
    assert.deepStrictEqual([args, envFrom], [["migrate"], [{ secretRef: { name: "greenroom-owner" } }]])
  })

  const kubectl = (...args: ReadonlyArray<string>) => spawnSync("kubectl", args, { encoding: "utf8" })
  const hasKubectl = kubectl("version", "--client").status === 0
  if (!hasKubectl) console.log("skipped: kustomize is not tried without kubectl")
  it.skipIf(!hasKubectl)("are put together by kustomize", () => {
    const { status, stdout, stderr } = kubectl("kustomize", fileURLToPath(new URL(folder, root)))
    assert.strictEqual(status, 0, stderr)
    const built = parseAllDocuments(stdout).map((document) => document.toJS())
    assert.deepStrictEqual(built.map(({ kind }) => kind).toSorted(), [
      "ConfigMap",
      "Deployment",
      "Namespace",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "Service",
      "ServiceAccount"
    ])
    const deployment = built.find(({ kind }) => kind === "Deployment")
    assert.match(deployment.spec.template.spec.containers[0].image, /^registry\.example\.com\/greenroom:\d+\.\d+\.\d+$/)
  })

  it("lists every file that is applied with the others", () => {
    const { resources } = parse(text(`${folder}kustomization.yaml`))
    assert.sameMembers([...resources, "kustomization.yaml", "migrate.yaml", "secret.example.yaml"], files)
  })
})

describe("the systemd unit", () => {
  const unit = text("docker/systemd/greenroom.service")
  const valuesOf = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value ?? "")

  it("gives the service its times, its files, and no start again after what cannot be mended so", () => {
    assert.isAbove(Number(valuesOf("TimeoutStopSec")[0]), 30)
    assert.isAtLeast(Number(valuesOf("LimitNOFILE")[0]), OPEN_FILES_WANTED)
    assert.deepStrictEqual(valuesOf("RestartPreventExitStatus"), ["78"])
    assert.include(valuesOf("ExecStart")[0], "--max-old-space-size=512 --max-semi-space-size=8")
    assert.include(text("docker/Dockerfile"), `"--max-old-space-size=512", "--max-semi-space-size=8"`)
  })

  it("hands secrets over as files, each of which the service reads", () => {
    const credentials = valuesOf("LoadCredential").map((value) => value.split(":")[0]!)
    const variables = new Map(
      valuesOf("Environment").flatMap((line) =>
        line
          .split(" ")
          .map((pair) => pair.split("=") as [string, string])
          .filter(([, value]) => value.startsWith("%d/"))
      )
    )
    assert.sameMembers(
      [...variables.values()].map((value) => value.slice("%d/".length)),
      credentials
    )
    for (const name of variables.keys()) assert.include(variableNames, name.replace(/_FILE$/, ""))
  })

  const analyze = (...args: ReadonlyArray<string>) => spawnSync("systemd-analyze", args, { encoding: "utf8" })
  const hasAnalyze = analyze("--version").status === 0
  if (!hasAnalyze) console.log("skipped: the unit is not read by systemd-analyze, which is not installed")
  it.skipIf(!hasAnalyze)("has no key that systemd does not know", () => {
    const { stderr, stdout } = analyze("verify", fileURLToPath(new URL("docker/systemd/greenroom.service", root)))
    // The program and the user are not installed here.
    const remarks = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => /unknown|invalid|failed to parse|ignoring/i.test(line))
    assert.deepStrictEqual(remarks, [])
  })
})
