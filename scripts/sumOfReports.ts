/**
 * Adds up the test runner's JSON reports and prints `N passed, N failed, N skipped`. The first argument is the number of other
 * steps that failed: they and failed tests make the exit code, and no test at all is a failure. A report that is not there was
 * not run.
 */
import { existsSync, readFileSync } from "node:fs"

interface Report {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

const [failedSteps, ...paths] = process.argv.slice(2)
const reports = paths.filter((path) => existsSync(path)).map((path): Report => JSON.parse(readFileSync(path, "utf8")))
const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0)

const passed = sum((report) => report.numPassedTests)
const failed = sum((report) => report.numFailedTests)
const skipped = sum((report) => report.numPendingTests + report.numTodoTests)
if (Number(failedSteps) > 0) console.error(`${failedSteps} of the steps above failed`)
process.exitCode =
  Number(failedSteps) > 0 || failed > 0 || passed === 0 || reports.some((report) => !report.success) ? 1 : 0
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
