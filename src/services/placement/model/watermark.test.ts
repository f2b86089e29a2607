import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watermark } from './watermark.ts'

test('ids are taken once, also those that become visible late', () => {
  const mark = new Watermark(4, 1000)
  assert.deepEqual(mark.advance([6, 7], 0), [6, 7])
  assert.equal(mark.low, 4, '5 may still come')
  assert.deepEqual(mark.advance([5, 6, 7], 500), [5])
  assert.equal(mark.low, 7)
  assert.deepEqual(mark.advance([], 600), [])
})

test('a gap that no transaction can fill any more is given up', () => {
  const mark = new Watermark(0, 1000)
  mark.advance([2], 0)
  mark.advance([2, 4], 900)
  assert.equal(mark.low, 0)
  mark.advance([2, 4], 1001)
  assert.equal(mark.low, 2, '3 is a gap of its own')
  mark.advance([4], 2500)
  assert.equal(mark.low, 4)
})
