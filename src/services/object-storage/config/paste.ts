/**
 * Swift's files: sections of PasteDeploy, whose names say what they configure, with the values of [DEFAULT] in each of them;
 * `set name = value` is written where one of these is to be another.
 */
import { existsSync, readFileSync } from 'node:fs'
import { readIni } from '../../../platform/config/ini.ts'
import { keyOf } from '../../../platform/config/names.ts'
import { isKnown } from '../../../platform/config/upstream.ts'
import { Options } from '../middleware/middleware.ts'

export interface PasteFile {
  /** The section's own values and those of [DEFAULT]; undefined where there is none of that name. */
  section(name: string): Options | undefined
  readonly sections: readonly string[]
  readonly problems: readonly string[]
  /** Whether any of the files was there. */
  readonly exists: boolean
  /** Where a section is, for what is said of it. */
  placeOf(name: string): string
}

/** Reads files of one server, later ones win. */
export function readPaste(files: readonly string[]): PasteFile {
  const values = new Map<string, Map<string, string>>()
  const places = new Map<string, string>()
  const problems: string[] = []
  const found = files.filter((file) => existsSync(file))
  for (const file of found) {
    const text = readFileSync(file, 'utf8').replaceAll(/^set\s+(?=\S+\s*=)/gm, '')
    const ini = readIni(text, file)
    problems.push(...ini.problems)
    for (const { section, name, values: all, line } of ini.entries) {
      const known = values.get(section) ?? new Map<string, string>()
      values.set(section, known.set(name.toLowerCase(), all.at(-1)!))
      if (!places.has(section)) places.set(section, `${file}:${line}`)
      const problem = unknownIn(file, section, name, line, ini.entries)
      if (problem !== undefined) problems.push(problem)
    }
  }
  const defaults = values.get('DEFAULT') ?? new Map<string, string>()
  return {
    exists: found.length > 0,
    sections: [...values.keys()],
    problems,
    section: (name) =>
      name === 'DEFAULT' || values.has(name)
        ? new Options(new Map([...defaults, ...(values.get(name) ?? [])]))
        : undefined,
    placeOf: (name) => places.get(name) ?? files[0] ?? '',
  }
}

type Entries = ReturnType<typeof readIni>['entries']

/** What nobody knows is a mistake. Filters may have any name: what they are is what they use. */
function unknownIn(file: string, section: string, name: string, line: number, entries: Entries): string | undefined {
  const use = entries.find((each) => each.section === section && each.name === 'use')?.values.at(-1)
  const [kind] = section.split(':')
  const canonical = section.startsWith('storage-policy:')
    ? 'storage-policy:0'
    : use === undefined || kind === undefined
      ? section
      : `${kind}:${use.replace(/^egg:[^#]*#/, '')}`
  const places = [section, canonical, canonical.replaceAll('_', '-'), canonical.replaceAll('-', '_'), 'DEFAULT']
  const free = [
    'use',
    'pipeline',
    'paste.filter_factory',
    'log_name',
    'log_level',
    'log_facility',
    'log_address',
    'log_headers',
  ]
  if (
    free.includes(name) ||
    (/^(app|filter):/.test(section) && /^([A-Z]+_|service_)?(operator|service|project_reader)_roles$/i.test(name))
  )
    return undefined
  const isOne =
    places.some((place) => isKnown('swift', place, name)) || isKnown('swift', section, keyOf('', name).slice(1))
  return isOne ? undefined : `${file}:${line}: [${section}] ${name} is no known option; remove it or correct its name`
}
