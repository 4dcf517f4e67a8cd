/** What a problem's `type` leads to: what has happened, and what to do about it. */

import { type ProblemName, problemTypes, typeOf } from "../problems/problemTypes.ts"
import { document, json, prose } from "./html.ts"
import { problemExample } from "./problemExample.ts"

export const errorPage = (name: ProblemName): string => {
  const { status, title, meaning, remedy } = problemTypes[name]
  return document(
    `${title} · Greenroom`,
    `<main class="single">
<p class="status">${status}</p>
<h1>${prose(title)}</h1>
<p class="soft"><code>${typeOf(name)}</code></p>
<h4>What has happened</h4>
<p>${prose(meaning)}</p>
<h4>What to do</h4>
<p>${prose(remedy)}</p>
<h4>What it looks like</h4>
${json(problemExample(name))}
<footer><a href="/docs#errors">All problems</a> · <a href="/docs">API reference</a></footer>
</main>`
  )
}
