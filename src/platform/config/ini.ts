/**
 * Reads oslo.config's INI dialect: repeated names collect (multi-valued options), continuation lines start with white
 * space, `#` and `;` start a comment only at the beginning of a line.
 */
export interface IniEntry {
  section: string
  name: string
  values: string[]
  line: number
}

export class IniError extends Error {}

/** Parses `text`; throws IniError that names file and line of everything that is wrong. */
export function parseIni(text: string, file: string): IniEntry[] {
  const { entries, problems } = readIni(text, file)
  if (problems.length > 0) throw new IniError(problems.join('\n'))
  return entries
}

/** As parseIni, for those who go on: what could be read, and what could not. */
export function readIni(text: string, file: string): { entries: IniEntry[]; problems: string[] } {
  const entries: IniEntry[] = []
  const problems: string[] = []
  let section = 'DEFAULT'
  let open: IniEntry | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trimEnd()
    if (line === '' || /^[#;]/.test(line)) {
      if (line === '') open = undefined
      continue
    }
    if (/^\s/.test(line) && open) {
      open.values.push(`${open.values.pop() ?? ''}\n${line.trim()}`)
      continue
    }
    const header = /^\[([^\]]+)\]$/.exec(line.trim())
    if (header) {
      section = header[1]!.trim()
      open = undefined
      continue
    }
    const pair = /^\s*([^=:\s]+)\s*[=:]\s*(.*)$/.exec(line)
    if (!pair) {
      problems.push(`${file}:${index + 1}: '${line.trim()}' is neither [section] nor name = value`)
      continue
    }
    const name = pair[1]!
    const value = pair[2]!.replace(/^"(.*)"$/, '$1').replace(/^'(.*)'$/, '$1')
    const existing = entries.find((entry) => entry.section === section && entry.name === name)
    if (existing) existing.values.push(value)
    else entries.push({ section, name, values: [value], line: index + 1 })
    open = existing ?? entries.at(-1)
  }
  return { entries, problems }
}
