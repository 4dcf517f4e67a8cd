/** Compares texts in a time that shows no more than whether their lengths differ. */
import { timingSafeEqual } from "node:crypto"

export const isSameText = (sent: string, expected: string): boolean => {
  const [one, other] = [Buffer.from(sent), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}
