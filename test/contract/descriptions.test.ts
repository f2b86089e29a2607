/** The committed descriptions of the APIs are those of the route tables, so that every change of an API is seen. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generatedFiles } from '../../tools/api/files.ts'

const root = join(import.meta.dirname, '../..')

/** The first line in which texts differ, with what it should be. */
function firstDifference(committed: string, generated: string): string | undefined {
  const [before, after] = [committed.split('\n'), generated.split('\n')]
  const at = after.findIndex((line, index) => line !== before[index])
  if (at < 0) return before.length === after.length ? undefined : `line ${after.length + 1} is too much`
  return `line ${at + 1} is\n${before[at] ?? '(missing)'}\ninstead of\n${after[at]}`
}

for (const [name, text] of generatedFiles()) {
  test(`${name} is what the route tables say`, () => {
    const difference = firstDifference(readFileSync(join(root, name), 'utf8'), text)
    assert.equal(difference, undefined, `run npm run api-docs and look at its diff: ${difference}`)
  })
}

test('every reference in a description leads to a schema', () => {
  for (const [name, text] of generatedFiles()) {
    if (!name.endsWith('.json')) continue
    const { components } = JSON.parse(text) as { components: { schemas: object } }
    const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]!)
    assert.ok(references.length > 0, name)
    const missing = references.filter((reference) => !Object.hasOwn(components.schemas, reference))
    assert.deepEqual(missing, [], name)
  }
})
