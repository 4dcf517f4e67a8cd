/** Preloaded into every process of the benchmark: when the benchmark is gone, whatever killed it, the process ends. */
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"))
process.channel?.unref()
