/**
 * Shares the event loop between the requests of a listener and everything else in this process. The requests that begin in one turn
 * of the loop get so many milliseconds together; the rest wait for later turns, the oldest first. So a flood of cheap requests
 * delays an auth call, which comes in on another listener, by a few milliseconds and not by the length of the flood.
 */

type Task = () => void

export class TurnBudget {
  readonly #millis: number
  #waiting: Array<Task> = []
  #spent = 0
  #isScheduled = false

  constructor(millis: number) {
    this.#millis = millis
  }

  /** Runs the task now when there is time left in this turn and no other task waits. Each task must be total. */
  run(task: Task): void {
    if (this.#waiting.length === 0 && this.#spent < this.#millis) this.#runNow(task)
    else this.#waiting.push(task)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#nextTurn())
  }

  #runNow(task: Task): void {
    const began = performance.now()
    task()
    this.#spent += performance.now() - began
  }

  #nextTurn(): void {
    this.#isScheduled = false
    this.#spent = 0
    const waiting = this.#waiting
    this.#waiting = []
    let next = 0
    while (next < waiting.length && this.#spent < this.#millis) {
      const task = waiting[next]
      next += 1
      if (task !== undefined) this.#runNow(task)
    }
    this.#waiting = [...waiting.slice(next), ...this.#waiting]
    if (this.#waiting.length === 0 || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#nextTurn())
  }
}
