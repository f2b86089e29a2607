/** H10: docs/security.md says what is tested, no more and no less. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
const rows = text.split('\n').flatMap((line) => {
  const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(' | ')
  return cells && !cells[0]!.startsWith('-') ? [cells] : []
})
const rules = rows.filter(([first, ...rest]) => /^[A-U]\d+$/.test(first!) && rest.length === 3)
const harnesses = rows.filter(([first]) => /^H\d+ /.test(first!))
const advisories = rows.filter(([first]) => first!.startsWith('OSSA-'))

const pathOf = (name: string): string =>
  [name, `src/${name}`, `src/services/${name}`].find((each) => existsSync(join(root, each))) ??
  assert.fail(`${name} is not there`)
const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => pathOf(name!))

/** Ids at the beginning of the tests' names, by file. */
function idsOf(file: string): Set<string> {
  const source = readFileSync(join(root, file), 'utf8')
  const heads = [...source.matchAll(/\b(?:test|describe)\(\s*['"`]([A-U]\d+(?:, [A-U]\d+)*):/g)]
  const written = [...source.matchAll(/^ ?(?:\*|\/\*\*) (H\d+): /gm)]
  return new Set([...heads, ...written].flatMap(([, ids]) => ids!.split(', ')))
}

test('H10: each rule of docs/security.md has a test of its name in each file that is named', () => {
  assert.ok(rules.length > 50 && harnesses.length >= 7 && advisories.length > 25)
  assert.equal(new Set(rules.map(([id]) => id)).size, rules.length, 'a rule has one row')
  for (const [id, , , tests] of rules) {
    const files = namesIn(tests!)
    assert.ok(files.length > 0, `${id} names no test`)
    for (const file of files) assert.ok(idsOf(file).has(id!), `${file} has no test of ${id}`)
  }
  for (const [name, tests] of harnesses) {
    const id = name!.split(' ')[0]!
    for (const file of namesIn(tests!)) assert.ok(idsOf(file).has(id), `${file} has nothing of ${id}`)
  }
  for (const [, , defended] of rules)
    for (const place of defended!.matchAll(
      /`((?:base|cmd|compute|host|identity|image|network|placement|platform)\/[^`]+)`/g,
    ))
      pathOf(place[1]!)
})

test('H10: what a test of these families proves is in docs/security.md, and every advisory leads to a rule there', () => {
  const known = new Set([...rules.map(([id]) => id!), ...harnesses.map(([name]) => name!.split(' ')[0]!)])
  for (const [, to] of advisories) for (const id of to!.split(', ')) assert.ok(known.has(id), `${id} is no rule there`)
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const missing = files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((file) =>
      [...idsOf(file)].filter((id) => /^[BCDEP]/.test(id) && !known.has(id)).map((id) => `${id} of ${file}`),
    )
  assert.deepEqual(missing, [])
})
