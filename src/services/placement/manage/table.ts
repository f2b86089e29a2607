/** A table as Python's PrettyTable draws it: scripts read them. */
export function drawTable(head: readonly string[], rows: readonly (readonly string[])[], align: 'left' | 'center') {
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]!.length)))
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const cell = (text: string, width: number) => {
    const before = align === 'left' ? 0 : Math.floor((width - text.length) / 2)
    return ` ${' '.repeat(before)}${text}`.padEnd(width + 2)
  }
  const line = (row: readonly string[]) => `|${row.map((text, at) => cell(text, widths[at]!)).join('|')}|`
  return [rule, line(head), rule, ...rows.map(line), ...(rows.length > 0 ? [rule] : [])].join('\n')
}
