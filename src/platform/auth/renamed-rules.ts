/** What an operator's rules mean that are not, or no longer, the service's own. */
import { readFileSync } from 'node:fs'

let former: ReadonlyMap<string, readonly string[]> | undefined

/** Former names of rules, newest first, as upstream's services declare them; made by tools/rule-names.py. */
function formerNames(): ReadonlyMap<string, readonly string[]> {
  if (former) return former
  const lines = readFileSync(new URL('renamed-rules.txt', import.meta.url), 'utf8').split('\n')
  const pairs = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(' < '))
  former = new Map(pairs.map(([name = '', names = '']) => [name, names.split(' ')]))
  return former
}

/**
 * The service's rules that the operator gave under a former name and not under today's. As in oslo.policy, a former name
 * that only points to the new one changes nothing.
 */
export function renamedRules(
  own: ReadonlySet<string>,
  given: ReadonlyMap<string, string>,
): { renamed: Map<string, string>; remarks: string[] } {
  const renamed = new Map<string, string>()
  const remarks: string[] = []
  for (const name of own) {
    if (given.has(name)) continue
    const old = formerNames()
      .get(name)
      ?.find((each) => given.has(each) && !own.has(each))
    if (old === undefined || given.get(old) === `rule:${name}`) continue
    renamed.set(name, given.get(old)!)
    remarks.push(`policy rule '${old}' is now '${name}'`)
  }
  return { renamed, remarks }
}

/** Rules of the operator that nothing asks for: neither the service nor one of the other rules. */
export function unasked(own: ReadonlySet<string>, given: ReadonlyMap<string, string>): string[] {
  const asked = new Set([...given.values()].flatMap(referred))
  const used = new Set([...own].flatMap((name) => formerNames().get(name) ?? []))
  return [...given.keys()]
    .filter((name) => !own.has(name) && !asked.has(name) && !used.has(name) && name !== 'default')
    .map((name) => `policy rule '${name}' has no effect: nothing here asks for it`)
}

const referred = (text: string): string[] => [...text.matchAll(/\brule:([^\s()]+)/g)].map((match) => match[1]!)

/** Rules that refer to themselves, directly or by others. */
export function circles(texts: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>()
  const problems: string[] = []
  const visit = (name: string, way: readonly string[]) => {
    if (way.includes(name)) {
      problems.push(`policy rule '${name}': refers to itself by ${[...way.slice(way.indexOf(name)), name].join(', ')}`)
      return
    }
    if (done.has(name)) return
    for (const other of referred(texts.get(name) ?? '')) if (texts.has(other)) visit(other, [...way, name])
    done.add(name)
  }
  for (const name of texts.keys()) visit(name, [])
  return problems
}
