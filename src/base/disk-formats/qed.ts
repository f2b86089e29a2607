import { hasMagic, read } from './probe.ts'
import type { Finding, Probe } from './probe.ts'

/** Recognised so that it can be refused: QED has backing files, and nobody uses it. */
export function* probeQed(found: Finding): Probe {
  if (!hasMagic(yield read(0, 4), 'QED\0')) return
  found.matched = true
  found.problem('format-not-allowed', 'which is not allowed')
}
