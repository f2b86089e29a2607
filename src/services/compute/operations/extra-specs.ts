import type { ComputeDeps } from '../deps.ts'
import { Invalid } from '../errors.ts'
import { extraSpecProblem, standardNameOf } from '../model/extra-specs.ts'

/** Throws 400 on an extra spec that nova does not know, or whose value it does not. */
export async function checkExtraSpecs({ placement }: ComputeDeps, specs: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(specs)) {
    const problem = extraSpecProblem(name, value)
    if (problem !== undefined) throw new Invalid(`Validation failed; ${problem}`)
    const standard = standardNameOf(name)
    if (standard && !(await placement.knows(standard.kind, standard.name)))
      throw new Invalid(`Validation failed; extra spec '${name}' does not appear to be a valid extra spec.`)
  }
}
