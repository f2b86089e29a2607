import assert from 'node:assert/strict'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readLog, rotateLog, truncateLog } from './growing-log.ts'

/** A log that a program keeps open for appending, as QEMU does. */
function openLog(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-log-'))
  const file = join(folder, 'console.log')
  const fd = openSync(file, 'a')
  t.after(() => (closeSync(fd), rmSync(folder, { recursive: true })))
  return { folder, file, write: (text: string | Buffer) => void writeSync(fd, Buffer.from(text)) }
}

test('P17: whatever a guest prints, its log and backup stay within their bounds and the end can be read', (t) => {
  const { folder, file, write } = openLog(t)
  const limit = 1000
  let all = ''
  for (let count = 0; count < 400; count++) {
    const line = `line ${count}\n`
    write(line)
    all += line
    rotateLog(file, limit)
    assert.ok(statSync(file).size <= limit)
    // Across the rotation nothing is missing and nothing is there twice.
    assert.equal(readLog(file, 500)!.toString(), all.slice(-500))
  }
  write('x'.repeat(50_000))
  assert.equal(rotateLog(file, limit), true)
  assert.equal(statSync(file).size, 0)
  assert.equal(statSync(`${file}.0`).size, limit)
  assert.equal(statSync(`${file}.0`).mode & 0o777, 0o600)
  write('after\n')
  assert.equal(readLog(file, limit)!.toString(), `${'x'.repeat(limit - 6)}after\n`)
  assert.equal(readLog(join(folder, 'none'), limit), undefined)
  assert.equal(rotateLog(join(folder, 'none'), limit), false)
})

test('D5: bytes of any kind are read as they are', (t) => {
  const { file, write } = openLog(t)
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  write(bytes)
  assert.deepEqual(readLog(file, 1000), bytes)
})

test('D5: a link in the place of a log leads nowhere', (t) => {
  const { folder, file } = openLog(t)
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'x'.repeat(100))
  const link = join(folder, 'link')
  symlinkSync(victim, link)
  truncateLog(link, 10)
  assert.equal(rotateLog(link, 10), false)
  assert.equal(readLog(link, 10), undefined)
  assert.equal(readFileSync(victim, 'utf8').length, 100)
  truncateLog(victim, 100)
  assert.equal(statSync(victim).size, 100)
  truncateLog(victim, 99)
  assert.equal(statSync(victim).size, 0)
  assert.equal(statSync(file).size, 0)
})
