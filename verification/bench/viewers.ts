/**
 * Viewers: `/auth` of `read` with a token on a new connection each time, beside the hand-written server's, which says 200 without looking; the same with
 * a hundred thousand live tokens, of which a thousand are revoked; and what five thousand viewers cost the pass.
 */
import { generateKeyPairSync, randomBytes, randomUUID, sign } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { Client } from "pg"
import { type Figures, figuresOf, median, medianOf } from "./figures.ts"
import { measureIdle } from "./idle.ts"
import { type Call, call, onNewConnection, type Sample } from "./load.ts"
import type { Finding, Line, Measured } from "./parts.ts"
import type { Run } from "./processes.ts"
import { type Stage, setStage } from "./stage.ts"

const ROUNDS = 7
const BLOCKS = 8
const BLOCK = 50
const WARM_UP_BLOCKS = 24
const SETTLE_MS = 10
/** Of each of which a player asks anew all the time. */
const TOKENS = 400
const MANY_TOKENS = 100_000
const MANY_REVOKED = 1_000

interface Token {
  readonly path: string
  readonly token: string
}

const api = async (stage: Stage, method: string, path: string, body: unknown) => {
  const answer = await fetch(`http://127.0.0.1:${stage.greenroom}${path}`, {
    method,
    headers: { "x-api-key": stage.apiSecret, "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as { readonly token: string }
}

const issueTokens = async (stage: Stage): Promise<ReadonlyArray<Token>> => {
  await api(stage, "PATCH", `/broadcasters/${stage.broadcasterId}`, { playback: "token" })
  const tokens: Array<Token> = []
  for (let count = 0; count < TOKENS; count++) {
    const { path } = stage.live[count % stage.live.length]!
    tokens.push({ path, token: (await api(stage, "POST", "/playback-tokens", { path, viewer_id: `u${count}` })).token })
  }
  return tokens
}

/** An application that signs its own tokens, one after the other: asking for each would take longer than measuring. */
const applicationTokens = async (stage: Stage): Promise<() => Token> => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519")
  const kid = randomBytes(6).toString("hex")
  await api(stage, "POST", "/signing-keys", { public_key: { ...publicKey.export({ format: "jwk" }), kid } })
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const head = encoded({ alg: "EdDSA", kid })
  let count = 0
  return () => {
    const { path } = stage.live[count++ % stage.live.length]!
    const seconds = Math.floor(Date.now() / 1_000)
    const claims = { jti: randomBytes(8).toString("hex"), iat: seconds, exp: seconds + 3_600, sub: `u${count}`, path }
    const unsigned = `${head}.${encoded(claims)}`
    return { path, token: `${unsigned}.${sign(null, Buffer.from(unsigned), privateKey).toString("base64url")}` }
  }
}

/** As MediaMTX asks for a player over RTMP. */
const readCall = (stage: Stage, { path, token }: Token, expected = 200): Call =>
  call(
    "POST /auth",
    { Authorization: stage.authorization },
    {
      ip: "203.0.113.7",
      user: "",
      password: "",
      token,
      action: "read",
      path,
      protocol: "rtmp",
      id: randomUUID(),
      query: `token=${token}`,
      userAgent: "LNX 9,0,124,2"
    },
    expected
  )

/** Rows of tokens that others have: what is in memory of them are the revoked ones. */
const writeManyTokens = async (stage: Stage): Promise<void> => {
  const database = new Client(stage.database)
  await database.connect()
  await database.query(
    `insert into playback_tokens (id, issuer, signing_key_id, covers, covered, viewer_id, actions, ips, metadata, created_at, expires_at, revoked_at)
     select substr(md5($2 || n), 1, 16), 'greenroom', (select id from signing_keys limit 1), 'path', 'live/' || n, 'viewer-' || n,
       '{read}', '{}', '{}', now(), now() + interval '1 day', case when n <= $3 then now() end
     from generate_series(1, $1::integer) n`,
    [MANY_TOKENS, randomBytes(4).toString("hex"), MANY_REVOKED]
  )
  await database.query("analyze playback_tokens")
  await database.end()
}

const sides = ["byHand", "newToken", "sameToken", "withoutToken"] as const
type Side = (typeof sides)[number]
type BySide<A> = { readonly [S in Side]: A }
const bySide = <A>(make: (side: Side) => A): BySide<A> =>
  Object.fromEntries(sides.map((side) => [side, make(side)])) as BySide<A>

const titles: BySide<string> = {
  byHand: "read, by hand: says 200",
  newToken: "read with a token that was not seen before",
  sameToken: "read with a token that was seen before",
  withoutToken: "read without one, refused"
}

const measure = async (stage: Stage, tokens: ReadonlyArray<Token>, fresh: () => Token) => {
  let asked = 0
  const next: BySide<() => Call> = {
    byHand: () => readCall(stage, tokens[asked++ % tokens.length]!),
    newToken: () => readCall(stage, fresh()),
    sameToken: () => readCall(stage, tokens[asked++ % tokens.length]!),
    withoutToken: () => readCall(stage, { path: tokens[asked++ % tokens.length]!.path, token: "" }, 401)
  }
  const round = async (blocks: number): Promise<BySide<Figures>> => {
    const samples = bySide((): Array<Sample> => [])
    for (let block = 0; block < blocks; block++) {
      for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
        const port = side === "byHand" ? stage.floor : stage.hooks
        for (let count = 0; count < BLOCK; count++) samples[side].push(await onNewConnection(port, next[side]()))
        await sleep(SETTLE_MS)
      }
    }
    return bySide((side) => figuresOf(titles[side], samples[side]))
  }
  await round(WARM_UP_BLOCKS)
  const rounds: Array<BySide<Figures>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  return { rounds, figures: bySide((side) => medianOf(rounds.map((one) => one[side]))) }
}

const ms = (value: number) => `${value.toFixed(2)} ms`

/** Five thousand viewers over the protocols on fifty live paths, beside the same without them. */
const costOfMany = async (run: Run): Promise<{ readonly finding: Finding; readonly note: string }> => {
  const without = await measureIdle(run, { streams: 50, counting: true })
  const withThem = await measureIdle(run, { streams: 50, counting: true, viewers: 5_000 })
  const more = withThem.processorMillis - without.processorMillis
  return {
    finding: {
      aim: 5,
      what: "5,000 viewers on 50 paths: processor time a second more than without",
      greenroom: `${more.toFixed(1)} ms`,
      beside: `without ${without.processorMillis.toFixed(1)} ms`,
      value: more,
      bound: { atMost: 60 }
    },
    note: `With 5,000 viewers, a second: ${withThem.controlApiCalls.toFixed(1)} control API calls, ${withThem.rowsWritten.toFixed(1)} rows written.`
  }
}

export const viewers = async (run: Run): Promise<Measured> => {
  const stage = await setStage(run, { name: "watched", live: 50, keys: 400 })
  const tokens = await issueTokens(stage)
  const fresh = await applicationTokens(stage)
  await sleep(1_000)
  const few = await measure(stage, tokens, fresh)
  await writeManyTokens(stage)
  const many = await measure(stage, tokens, fresh)
  await stage.end()
  const cost = await costOfMany(run)
  const compared = (what: string, value: number, greenroom: Figures, beside: string, atMost: number): Finding => ({
    aim: 5,
    what,
    greenroom: ms(greenroom.p50),
    beside,
    value,
    bound: { atMost }
  })
  const ratio = ({ rounds }: typeof few) => median(rounds.map((one) => one.newToken.p50 / one.byHand.p50))
  return {
    part: "viewers",
    title: "`POST /auth` of viewers, one client, each call on a new connection",
    findings: [
      compared(
        "`/auth` of `read` with a token, p50",
        ratio(few),
        few.figures.newToken,
        `by hand ${ms(few.figures.byHand.p50)}`,
        1.15
      ),
      compared(
        "the same with 100,000 live tokens, p50",
        ratio(many) / ratio(few),
        many.figures.newToken,
        `with few ${ms(few.figures.newToken.p50)}`,
        1.05
      ),
      cost.finding
    ],
    lines: [
      ...sides.map((side): Line => ({ what: titles[side], figures: few.figures[side] })),
      { what: "read with a token that was not seen before, 100,000 live tokens", figures: many.figures.newToken }
    ],
    notes: [cost.note]
  }
}
