/** Several glance processes on one database and one store: what one works on is left alone by the others. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { nameDeadProcess } from '../../platform/db/testing.ts'
import { startImage, type TestImageOptions } from './testing/image.ts'

async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-glances-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return async (options: TestImageOptions = {}) => {
    const image = await startImage({ folder, ...options })
    t.after(() => image.stop())
    return image
  }
}

/** Data that comes when the test says so. */
function slowly() {
  const data = new Readable({ read: () => undefined })
  data.push(Buffer.alloc(1 << 20, 'a'))
  return data
}

test('an upload goes on while other processes start, clean up and end', async (t) => {
  const start = await setUp(t)
  const here = await start()
  const { id } = await here.create()
  const data = slowly()
  const ended = here.call('PUT', `/images/${id}/file`, { data })
  await here.until(id, ({ status }) => status === 'saving')
  const there = await start()
  assert.equal((await there.must<{ status: string }>('GET', `/images/${id}`)).status, 'saving')
  await there.restart()
  data.push(null)
  assert.equal((await ended).status, 204)
  assert.equal((await there.until(id, ({ status }) => status === 'active'))['size'], 1 << 20)
  assert.equal((await there.download(id)).data.length, 1 << 20)
})

test('the upload and the staging of a dead process are taken back, with their data', async (t) => {
  const start = await setUp(t)
  const dying = await start({ processName: nameDeadProcess() })
  const [uploaded, staged] = [await dying.create(), await dying.create()]
  const sources = [slowly(), slowly()]
  const ended = [
    dying.call('PUT', `/images/${uploaded.id}/file`, { data: sources[0]! }),
    dying.call('PUT', `/images/${staged.id}/stage`, { data: sources[1]! }),
  ]
  await dying.until(uploaded.id, ({ status }) => status === 'saving')
  await dying.until(staged.id, ({ status }) => status === 'uploading')
  const next = await start()
  for (const { id } of [uploaded, staged]) await next.until(id, ({ status }) => status === 'queued')
  // Who comes back to life has lost it: nothing of it becomes the image's data.
  for (const source of sources) source.push(null)
  for (const answer of await Promise.all(ended)) assert.ok(answer.status >= 400, String(answer.status))
  await next.must('PUT', `/images/${uploaded.id}/file`, { data: 'whole' })
  assert.equal((await next.download(uploaded.id)).data.toString(), 'whole')
})

test('an import goes on in another process when its own ends', async (t) => {
  const start = await setUp(t)
  const [ending, other] = [await start(), await start()]
  const { id } = await ending.create()
  await ending.must('PUT', `/images/${id}/stage`, { data: 'staged' })
  await ending.must('POST', `/images/${id}/import`, { json: { method: { name: 'glance-direct' } } })
  await ending.restart()
  await other.until(id, ({ status }) => status === 'active')
  assert.equal((await other.download(id)).data.toString(), 'staged')
})
