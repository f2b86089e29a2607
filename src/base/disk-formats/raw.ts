import { readEnd } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

/** Anything is raw; it counts only where no other format matched. */
export function* probeRaw(found: Finding): Probe {
  yield readEnd(0)
  found.matched = true
  if (found.fileSize !== null) found.virtualSize = BigInt(found.fileSize)
}
