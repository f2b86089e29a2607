/**
 * The options that OpenStack's programs have or had in any release, by name: the files of `upstream/`, made by
 * tools/option-names.py, and those that only distributions' packages write.
 */
import { readFileSync } from 'node:fs'
import { keyOf, nameOf } from './names.ts'

/** Programs whose configuration is read. */
export type Program = 'keystone' | 'glance' | 'placement' | 'nova' | 'neutron' | 'swift'

const programs: readonly Program[] = ['keystone', 'glance', 'placement', 'nova', 'neutron', 'swift']

/** `section/name` of an option to where it went; empty where it stayed. */
type Catalogue = ReadonlyMap<string, string>

const read = new Map<string, Catalogue>()

function catalogueOf(file: string): Catalogue {
  const known = read.get(file)
  if (known) return known
  const found = new Map<string, string>()
  let section = ''
  for (const line of readFileSync(new URL(`upstream/${file}.txt`, import.meta.url), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[')) section = line.slice(1, -1)
    else {
      const [name = '', target = ''] = line.split(' > ')
      found.set(keyOf(section, name), target)
    }
  }
  read.set(file, found)
  return found
}

const cataloguesOf = (program: Program): Catalogue[] => [program, 'libraries', 'packages'].map(catalogueOf)

/** Sections that operators name themselves, with the one whose options they have. */
const named: readonly (readonly [RegExp, string])[] = [
  [/^cors\./, 'cors'],
  [/^(mdev|vgpu)_/, 'devices'],
  [/^(privsep_\w+|\w+_privileged|\w+_sys_admin)$/, 'privsep'],
  [/^os_vif_ovs$/, 'vif_plug_ovs'],
]

const canonical = (section: string): string => named.find(([pattern]) => pattern.test(section))?.[1] ?? section

/** Whether the program has or had the option. */
export const isKnown = (program: Program, section: string, name: string): boolean => {
  const keys = [keyOf(canonical(section), name)]
  // Operators name the sections of glance's stores.
  if (program === 'glance' && section !== 'DEFAULT') keys.push(keyOf('glance_store', name))
  return cataloguesOf(program).some((each) => keys.some((key) => each.has(key)))
}

/** Where the option of the program went under another name or into another section. */
export const movedTo = (program: Program, section: string, name: string): string | undefined =>
  cataloguesOf(program)
    .map((each) => each.get(keyOf(section, name)))
    .find((target) => target !== undefined && target !== '')

/** Another program that has the option. */
export const knownElsewhere = (program: Program, section: string, name: string): Program | undefined =>
  programs.find((other) => other !== program && catalogueOf(other).has(keyOf(section, name)))

/** `section/name` of all options of the program. */
export const allKeys = (program: Program): string[] => cataloguesOf(program).flatMap((each) => [...each.keys()])

/** Those with that name. */
export const keysNamed = (program: Program, name: string): string[] =>
  allKeys(program).filter((key) => nameOf(key) === name.replaceAll('-', '_'))
