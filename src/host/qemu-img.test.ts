import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { convertImage } from './qemu-img.ts'
import { reasonToSkip } from './testing.ts'

const skip = await reasonToSkip(['qemu-img', 'prlimit', 'unshare'])
const mib = 1024 ** 2

// With a third of what is allowed.
test('a conversion takes as few addresses as its work needs, whatever its threads', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-qemu-img-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string) => join(folder, name)
  const content = randomBytes(32 * mib)
  writeFileSync(file('raw'), content)
  const limits = { addressSpaceBytes: 320 * mib }
  for (const format of ['vmdk', 'vhdx'] as const) {
    await convertImage(file('raw'), file(format), { from: 'raw', to: format, limits })
    await convertImage(file(format), file(`${format}.raw`), { from: format, to: 'raw', limits })
    assert.ok(readFileSync(file(`${format}.raw`)).equals(content), format)
  }
})
