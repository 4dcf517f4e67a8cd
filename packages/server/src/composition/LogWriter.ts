/**
 * Writes log lines to a file descriptor in batches, from one asynchronous writer: a write of its own for each line costs a request more
 * than its routing (docs/measurements.md). Lines keep their order. What waits is bounded: a reader that has stopped costs lines, which are
 * counted, and never blocks a request. The process's exit writes what is left; a SIGKILL loses up to `BATCH_MS` of lines.
 */
import { write, writeSync } from "node:fs"

/** For so long lines are collected. */
const BATCH_MS = 20
/** Characters that may wait. */
const MAX_WAITING = 4 * 1024 * 1024
/** A descriptor that can take nothing now (`EAGAIN`) is tried again after this. */
const TRY_AGAIN_MS = 10

export interface LogWriter {
  /** `urgent`: written without waiting for a batch. */
  readonly add: (line: string, urgent: boolean) => void
  /** Writes what waits before it returns, as far as the descriptor takes it; for the end of the process. */
  readonly flushNow: () => void
}

export interface LogWriterOptions {
  readonly fd: number
  /** So many lines were dropped: there was no room, or the descriptor is closed. */
  readonly onDropped: (lines: number) => void
  readonly maxWaiting?: number
}

const canTryAgain = (error: NodeJS.ErrnoException): boolean => error.code === "EAGAIN" || error.code === "EINTR"

export const makeLogWriter = ({ fd, onDropped, maxWaiting = MAX_WAITING }: LogWriterOptions): LogWriter => {
  let lines: Array<string> = []
  let waiting = 0
  /** What the descriptor has not taken yet of the batch that is being written. */
  let batch: Buffer | null = null
  let batchLines = 0
  let timer: NodeJS.Timeout | null = null
  let isWriting = false

  const takeBatch = (): Buffer | null => {
    if (batch !== null || lines.length === 0) return batch
    batch = Buffer.from(lines.join(""))
    batchLines = lines.length
    lines = []
    waiting = 0
    return batch
  }

  const wrote = (bytes: number): void => {
    batch = batch !== null && bytes < batch.length ? batch.subarray(bytes) : null
  }

  const drop = (): void => {
    batch = null
    onDropped(batchLines)
  }

  const schedule = (millis: number): void => {
    timer ??= setTimeout(flush, millis).unref()
  }

  const flush = (): void => {
    timer = null
    const next = isWriting ? null : takeBatch()
    if (next === null) return
    isWriting = true
    write(fd, next, (error, bytes) => {
      isWriting = false
      if (error === null) wrote(bytes)
      else if (!canTryAgain(error)) drop()
      if (batch !== null || lines.length > 0) schedule(error === null ? 0 : TRY_AGAIN_MS)
    })
  }

  return {
    add: (line, urgent) => {
      if (waiting + line.length > maxWaiting) {
        onDropped(1)
        return
      }
      lines.push(line)
      waiting += line.length
      if (!urgent) schedule(BATCH_MS)
      else if (!isWriting) {
        if (timer !== null) clearTimeout(timer)
        flush()
      }
    },
    flushNow: () => {
      // The batch that is being written is the kernel's already.
      if (isWriting) batch = null
      try {
        for (let next = takeBatch(); next !== null; next = takeBatch()) wrote(writeSync(fd, next))
      } catch {
        drop()
      }
    }
  }
}
