/** What routes declare to answer has the fields that upstream describes, and no others, but for what is argued. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiServices } from '../../tools/api/services.ts'
import { shapeExceptions } from './shape-exceptions.ts'
import { shapeDifferences } from './shapes.ts'

for (const service of apiServices) {
  const { type } = service.definition
  test(`${type}: answers have the fields that upstream describes`, (context) => {
    const differences = shapeDifferences(service)
    const patterns = (shapeExceptions[type] ?? []).flatMap(({ lines }) => lines)
    const open = differences.filter((line) => !patterns.some((pattern) => pattern.test(line)))
    assert.equal(open.join('\n'), '', 'mend these or argue them in test/contract/shape-exceptions.ts')
    const stale = patterns.filter((pattern) => !differences.some((line) => pattern.test(line)))
    assert.deepEqual(stale.map(String), [], 'no longer needed in test/contract/shape-exceptions.ts')
    context.diagnostic(`${differences.length} argued differences`)
  })
}
