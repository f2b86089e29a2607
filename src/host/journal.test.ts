import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Journal } from './journal.ts'

function fileFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-journal-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'sub', 'j.jsonl')
}
const contentOf = (file: string) => Object.fromEntries(new Journal<number>(file).entries())

test('changes are there for the next process, without a goodbye', (t) => {
  const file = fileFor(t)
  const journal = new Journal<number>(file)
  journal.set('a', 1)
  journal.set('b', 2)
  journal.set('a', 3)
  journal.delete('b')
  journal.delete('never')
  assert.deepEqual(contentOf(file), { a: 3 })
})

test('a line that a crash cut short did not happen', (t) => {
  const file = fileFor(t)
  new Journal<number>(file).set('a', 1)
  appendFileSync(file, '["b",')
  assert.deepEqual(contentOf(file), { a: 1 })
})

test('history does not pile up', (t) => {
  const file = fileFor(t)
  const journal = new Journal<number>(file)
  for (let i = 0; i < 5000; i++) journal.set('a', i)
  assert.ok(readFileSync(file, 'utf8').split('\n').length < 1200)
  assert.deepEqual(contentOf(file), { a: 4999 })
})

test('what cannot be written now is written later', (t) => {
  const file = fileFor(t)
  const journal = new Journal<number>(file)
  rmSync(file, { force: true })
  mkdirSync(file)
  journal.set('a', 1)
  journal.set('b', 2)
  assert.equal(journal.get('b'), 2)
  rmSync(file, { recursive: true })
  journal.flush()
  assert.deepEqual(contentOf(file), { a: 1, b: 2 })
})

test('what a build of the first days knew is taken over once', (t) => {
  const file = fileFor(t)
  mkdirSync(join(file, '..'))
  writeFileSync(
    file.replace(/l$/, ''),
    JSON.stringify([
      ['a', 1],
      ['b', 2],
    ]),
  )
  const journal = new Journal<number>(file)
  assert.deepEqual(Object.fromEntries(journal.entries()), { a: 1, b: 2 })
  journal.delete('a')
  journal.delete('b')
  assert.deepEqual(contentOf(file), {})
})
