/** `/docs`: the reference, made from the OpenAPI document. One page without scripts, good to read, to search and to print. */
import { problemTypes } from "../problems/problemTypes.ts"
import { document, escape, json, prose } from "./html.ts"
import { fieldTable, parameterTable, refName, type Schema } from "./schemaText.ts"

interface Operation {
  readonly method: string
  readonly path: string
  readonly spec: Schema
}

const METHODS = ["get", "post", "patch", "delete"]

const operationsOf = (openApi: Schema, tag: string): ReadonlyArray<Operation> =>
  Object.entries<Schema>(openApi.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag)).map((method) => ({
      method: method.toUpperCase(),
      path,
      spec: item[method]
    }))
  )

const anchor = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")

const isProblem = (schema: Schema): boolean => String(schema.properties?.type?.enum?.[0] ?? "").startsWith("/errors/")

/** `base`: where the service was reached that shows the page, so that its commands can be pasted. */
const curl = ({ method, path, spec }: Operation, base: string): string => {
  const body = Object.values<Schema>(spec.requestBody?.content ?? {})[0]?.example
  const url = `${base}${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`)}`
  const parts = [
    `curl${method === "GET" ? "" : ` -X ${method}`} "${url}"`,
    ...(spec.security.some((scheme: Schema) => "api_key" in scheme) ? ['-H "X-API-Key: $API_SECRET"'] : []),
    ...(body === undefined ? [] : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(body, null, 2)}'`])
  ]
  return `<pre><code>${escape(parts.join(" \\\n  "))}</code></pre>`
}

const problemLinks = (openApi: Schema, response: Schema): ReadonlyArray<string> => {
  const media = response.content?.["application/problem+json"]?.schema
  return (media?.anyOf ?? [media])
    .map((schema: Schema) => openApi.components.schemas[refName(schema) ?? ""]?.properties.type.enum[0])
    .filter((type: unknown) => typeof type === "string")
}

const answers = (openApi: Schema, { spec }: Operation): string => {
  // Those that all operations share stand once, among the errors.
  const all = Object.entries<Schema>(spec.responses).filter(([, response]) => !("$ref" in response))
  const good = all.filter(([, { content = {} }]) => !("application/problem+json" in content))
  const shown = good.map(([status, response]) => {
    const media = Object.values<Schema>(response.content ?? {})[0]
    const name = refName(media?.schema)
    const link = name === undefined ? "" : ` <a href="#schema-${escape(name)}">${escape(name)}</a>`
    const example = media?.example === undefined ? "" : json(media.example)
    return `<p><span class="chip">${status}</span> ${escape(response.description)}${link}</p>${example}`
  })
  const bad = all.flatMap(([status, response]) =>
    problemLinks(openApi, response).map(
      (type) => `<a class="chip" href="${escape(type)}">${status} ${escape(type.replace("/errors/", ""))}</a>`
    )
  )
  return `<h4>Answers</h4>${shown.join("")}${bad.length === 0 ? "" : `<h4>Problems</h4><div class="chips">${bad.join("")}</div>`}`
}

const requestOf = (openApi: Schema, { spec }: Operation): string => {
  const parameters = (where: string, title: string) => {
    const here = spec.parameters.filter((parameter: Schema) => parameter.in === where)
    return here.length === 0 ? "" : `<h4>${title}</h4>${parameterTable(here)}`
  }
  const name = refName(Object.values<Schema>(spec.requestBody?.content ?? {})[0]?.schema)
  const body = name === undefined ? "" : `<h4>Body</h4>${fieldTable(openApi.components.schemas[name], true)}`
  return parameters("path", "Path") + parameters("query", "Query") + body
}

const operation = (
  openApi: Schema,
  one: Operation,
  base: string
): string => `<section class="operation" id="${anchor(one.spec.operationId)}">
<header><h3>${escape(one.spec.summary)}</h3><span><span class="verb ${one.method}">${one.method}</span> <code>${escape(one.path)}</code></span></header>
<div class="columns"><div>${one.spec.description === undefined ? "" : `<p>${prose(one.spec.description)}</p>`}${requestOf(openApi, one)}<h4>Example</h4>${curl(one, base)}</div>
<div>${answers(openApi, one)}</div></div>
</section>`

const authentication = (openApi: Schema): string =>
  `<h2 id="authentication">Authentication</h2><table>${Object.values<Schema>(openApi.components.securitySchemes)
    .map((scheme) => {
      const how =
        scheme.type === "apiKey"
          ? `${scheme.name}: …`
          : `Authorization: ${scheme.scheme === "basic" ? "Basic" : scheme.scheme} …`
      return `<tr><td><code>${escape(how)}</code></td><td>${prose(scheme.description)}</td></tr>`
    })
    .join("")}</table>`

const errors = (): string =>
  `<h2 id="errors">Errors</h2><p class="prose">${prose(
    "Every error is a problem document (RFC 9457, `application/problem+json`). Its `type` is the address of a page on what to do; `code` is a stable word for programs; `errors` lists all that is wrong with a request, each with a JSON pointer. Any request can be answered with 400, 405, 408, 413, 414, 431 and 500; the other problems of an operation stand beside it."
  )}</p><table>${Object.entries(problemTypes)
    .map(
      ([name, { status, title }]) =>
        `<tr><td>${status}</td><td><a href="/errors/${name}"><code>${name}</code></a></td><td>${escape(title)}</td></tr>`
    )
    .join("")}</table>`

/** The requests that the service makes itself. */
const webhooks = (openApi: Schema): string =>
  Object.values<Schema>(openApi.webhooks ?? {})
    .map(({ post }) => {
      const { schema, example } = post.requestBody.content["application/json"]
      const name = refName(schema) ?? ""
      const answers = Object.entries<Schema>(post.responses)
        .map(([status, { description }]) => `<p><span class="chip">${escape(status)}</span> ${prose(description)}</p>`)
        .join("")
      return `<section class="operation" id="${anchor(post.operationId)}"><header><h3>${escape(post.summary)}</h3><span><span class="verb POST">POST</span> <code>your endpoint</code></span></header>
<div class="columns"><div><p>${prose(post.description)}</p><h4>Headers</h4>${parameterTable(post.parameters)}<h4>Your answer</h4>${answers}</div>
<div><h4>Body</h4><p><a href="#schema-${escape(name)}">${escape(name)}</a></p>${json(example)}</div></div></section>`
    })
    .join("")

const schemas = (openApi: Schema): string =>
  `<h2 id="schemas">Schemas</h2>${Object.entries<Schema>(openApi.components.schemas)
    .filter(([, schema]) => !isProblem(schema))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(
      ([name, schema]) =>
        `<details open id="schema-${escape(name)}"><summary>${escape(name)}</summary>${schema.description === undefined ? "" : `<p>${prose(schema.description)}</p>`}${fieldTable(schema, false)}</details>`
    )
    .join("")}`

const link = ({ method, spec }: Operation): string =>
  `<li><a href="#${anchor(spec.operationId)}"><span class="verb ${method}">${method}</span><span>${escape(spec.summary)}</span></a></li>`

export const referencePage = (openApi: Schema, base: string): string => {
  const tags = openApi.tags.map((tag: Schema) => ({ ...tag, operations: operationsOf(openApi, tag.name) }))
  const navigation = tags.map(
    (tag: Schema) => `<h4>${escape(tag.name)}</h4><ul>${tag.operations.map(link).join("")}</ul>`
  )
  const sections = tags.map(
    (tag: Schema) =>
      `<h2 id="${anchor(tag.name)}">${escape(tag.name)}</h2><p class="prose soft">${prose(tag.description ?? "")}</p>${tag.operations.map((one: Operation) => operation(openApi, one, base)).join("")}`
  )
  const { title, version, summary, description } = openApi.info
  return document(
    `${title} API reference`,
    `<div class="page"><nav id="contents"><strong>${escape(title)}</strong><span class="soft">API ${escape(version)}</span>
<ul><li><a href="#authentication">Authentication</a></li><li><a href="#errors">Errors</a></li><li><a href="#webhooks">Webhooks</a></li><li><a href="#schemas">Schemas</a></li><li><a href="/openapi.json">OpenAPI document</a></li></ul>${navigation.join("")}</nav>
<main><a class="to-contents" href="#contents">Contents</a><h1>${escape(title)}</h1><p class="lead">${prose(summary)}</p><p class="prose">${prose(description)}</p>
${authentication(openApi)}${errors()}${sections.join("")}<h2 id="webhooks">Webhooks</h2>${webhooks(openApi)}${schemas(openApi)}</main></div>`
  )
}
