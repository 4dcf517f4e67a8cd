/** How a worker's command is read, and that nothing that is put into it becomes more than its argument. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { defaultCommand, fillCommand, parseCommand, readsAsOption } from "../../src/worker/parseWorkerCommand.ts"

const values = { input: "I", output: "O", rtmp_output: "R", stream_id: "S" }
const read = (text: string) => Result.getOrThrow(parseCommand(text))
const complaint = (text: string) => Result.match(parseCommand(text), { onSuccess: () => "", onFailure: (why) => why })

const texts = Arbitrary.array(Arbitrary.schema(Schema.String), { minLength: 1, maxLength: 5 })

describe("a worker's command", () => {
  it("is split as a shell splits it, and nothing in it is expanded", () => {
    assert.deepStrictEqual(read(`ffmpeg -i {input}  "a b" 'c "d"' e\\ f "g\\"h" x'y'z "" {output}`), [
      "ffmpeg",
      "-i",
      "{input}",
      "a b",
      'c "d"',
      "e f",
      'g"h',
      "xyz",
      "",
      "{output}"
    ])
    assert.deepStrictEqual(read("run $HOME `id` $(id) *.ts ; rm -rf / | cat > x && {output}").slice(1, 5), [
      "$HOME",
      "`id`",
      "$(id)",
      "*.ts"
    ])
    assert.deepStrictEqual(read(`run "a\\b" 'c\\d' {output}`), ["run", "a\\b", "c\\d", "{output}"])
  })

  it.prop("is any array of strings as JSON", [texts], ([rest]) => {
    const command = ["run", ...rest, "{output}"]
    if (rest.some((part) => part.includes("\u0000"))) return
    assert.deepStrictEqual(read(JSON.stringify(command)), command as never)
  })

  it.prop("survives quoting", [texts], ([rest]) => {
    if (rest.some((part) => part.includes("\u0000"))) return
    const quoted = rest.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ")
    assert.deepStrictEqual(read(`run ${quoted} {output}`), ["run", ...rest, "{output}"] as never)
  })

  it.prop("is filled in at once: what is put in stays one argument and is not searched again", [texts], ([rest]) => {
    const command = [
      "run",
      "{output}",
      "-x={stream_id}:{input}",
      "{unknown}",
      ...rest.map(() => "{rtmp_output}")
    ] as const
    const hostile = { input: "; rm {output}", output: "{input} $(id)", rtmp_output: rest[0] ?? "", stream_id: "$&" }
    assert.deepStrictEqual(fillCommand(command, hostile), [
      "run",
      "{input} $(id)",
      "-x=$&:; rm {output}",
      "{unknown}",
      ...rest.map(() => rest[0] ?? "")
    ] as never)
  })

  it("says what is wrong with it", () => {
    assert.match(complaint(""), /begins with a program/)
    assert.match(complaint(`run "a {output}`), /quotes are closed/)
    assert.match(complaint("run {output} \\"), /quotes are closed/)
    assert.match(complaint(`["run", 1, "{output}"]`), /JSON array of strings/)
    assert.match(complaint(`["run", "{output}"`), /JSON array of strings/)
    assert.match(complaint("run {input}"), /\{output\}/)
    assert.match(complaint("{input} {output}"), /not in the program/)
    assert.match(complaint("run -i {inptu} {output}"), /but \{input\}, \{output\}, .*\{ inptu \}/)
    assert.match(complaint("run rtsp://x/{streamid} {output}"), /expected no placeholders but .*\{ streamid \}/)
    assert.strictEqual(complaint("sh -c 'echo \u0024{x} %{pts} {} { y } {1} {A}' {output}"), "")
    assert.match(complaint("run {output} a\u0000b"), /NUL/)
  })

  it("is not given an id that it would read as an option", () => {
    const dangerous = [
      "{stream_id}",
      "{stream_id}.ts",
      "run {stream_id}",
      "x '{stream_id}'",
      'x "{stream_id}"',
      "a;{stream_id}"
    ]
    for (const part of dangerous) {
      assert.isTrue(readsAsOption(["run", "{output}", part], "-x"), part)
      assert.isFalse(readsAsOption(["run", "{output}", part], "x-"), part)
    }
    for (const part of [
      "--id={stream_id}",
      "-i{stream_id}",
      "/tmp/{stream_id}.ts",
      "x:{stream_id}",
      "{input}",
      "{output}"
    ]) {
      assert.isFalse(readsAsOption(["run", "{output}", part], "-x"), part)
    }
    assert.isFalse(readsAsOption(defaultCommand, "--help"))
  })

  it("is ffmpeg without transcoding unless somebody says otherwise", () => {
    const command = fillCommand(defaultCommand, values)
    assert.deepStrictEqual(
      [command[0], command.includes("I"), command.at(-1), command.join(" ").includes("-c copy")],
      ["ffmpeg", true, "O", true]
    )
    assert.isTrue(Result.isSuccess(parseCommand(JSON.stringify(defaultCommand))))
  })
})
