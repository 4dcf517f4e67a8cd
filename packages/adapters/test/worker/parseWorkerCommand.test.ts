/** How a worker's command is read, and that nothing that is put into it becomes more than its argument. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { defaultCommand, fillCommand, parseCommand, readsAsOption } from "../../src/worker/parseWorkerCommand.ts"

const values = { input: "I", output: "O", rtmp_output: "R", stream_id: "S" }
const read = (text: string) => Result.getOrThrow(parseCommand(text))
const complaint = (text: string) => Result.match(parseCommand(text), { onSuccess: () => "", onFailure: (why) => why })

const texts = Arbitrary.array(Arbitrary.schema(Schema.String), { minLength: 1, maxLength: 5 })

describe("a worker's command", () => {
  it.prop("is any array of strings as JSON", [texts], ([rest]) => {
    const command = ["run", ...rest, "{output}"]
    if (rest.some((part) => part.includes("\u0000"))) return
    assert.deepStrictEqual(read(JSON.stringify(command)), command as never)
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
    const of = (...command: ReadonlyArray<string>) => complaint(JSON.stringify(command))
    for (const text of ["", "ffmpeg -i {input} {output}", `["run", 1, "{output}"]`, `["run", "{output}"`, "{}"]) {
      assert.match(complaint(text), /JSON array of strings/, text)
    }
    for (const command of [[], ["", "{output}"]]) assert.match(of(...command), /begins with a program/)
    assert.match(of("run", "{input}"), /\{output\}/)
    assert.match(of("{input}", "{output}"), /not in the program/)
    assert.match(of("run", "-i", "{inptu}", "{output}"), /but \{input\}, \{output\}, .*\{ inptu \}/)
    assert.match(of("run", "rtsp://x/{streamid}", "{output}"), /expected no placeholders but .*\{ streamid \}/)
    assert.strictEqual(of("sh", "-c", "echo \u0024{x} %{pts} {} { y } {1} {A}", "{output}"), "")
    assert.match(of("run", "{output}", "a\u0000b"), /NUL/)
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

  it("is ffmpeg without transcoding by default", () => {
    const command = fillCommand(defaultCommand, values)
    assert.deepStrictEqual(
      [command[0], command.includes("I"), command.at(-1), command.join(" ").includes("-c copy")],
      ["ffmpeg", true, "O", true]
    )
    assert.isTrue(Result.isSuccess(parseCommand(JSON.stringify(defaultCommand))))
  })
})
