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

/** Parses `text`; throws IniError that names file and line. */
export function parseIni(text: string, file: string): IniEntry[] {
  const entries: IniEntry[] = []
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
    if (!pair) throw new IniError(`${file}:${index + 1}: '${line.trim()}' is neither [section] nor name = value`)
    const name = pair[1]!
    const value = pair[2]!.replace(/^"(.*)"$/, '$1').replace(/^'(.*)'$/, '$1')
    const existing = entries.find((entry) => entry.section === section && entry.name === name)
    if (existing) existing.values.push(value)
    else entries.push({ section, name, values: [value], line: index + 1 })
    open = existing ?? entries.at(-1)
  }
  return entries
}
