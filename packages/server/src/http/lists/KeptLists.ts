/**
 * Lists that were answered, by question. A bound for their number and one for their bytes: beyond either, the one that was answered the
 * longest ago is forgotten. A list that is larger than all may be is not kept.
 */
export const KEPT_LISTS_MAX = 100
export const KEPT_BYTES_MAX = 64 * 1024 * 1024

export class KeptLists<A extends { readonly bytes: number }> {
  readonly #lists = new Map<string, A>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#lists.size
  }

  get(question: string): A | undefined {
    return this.#lists.get(question)
  }

  keep(question: string, list: A): void {
    this.#forget(question)
    if (list.bytes > KEPT_BYTES_MAX) return
    this.#lists.set(question, list)
    this.#bytes += list.bytes
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= KEPT_LISTS_MAX && this.#bytes <= KEPT_BYTES_MAX) return
      this.#forget(oldest)
    }
  }

  #forget(question: string): void {
    this.#bytes -= this.#lists.get(question)?.bytes ?? 0
    this.#lists.delete(question)
  }
}
