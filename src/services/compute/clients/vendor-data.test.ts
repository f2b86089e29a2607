import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLogger } from '../../../platform/log/log.ts'
import { vendorDataOf, VendorDataFailed } from './vendor-data.ts'

const log = createLogger({ name: 'test', level: 'fatal' })
const server = { id: 'i', projectId: 'p', image: null, userData: 'eA==', hostname: 'h', metadata: { a: 'b' } }
const options = {
  vendordataProviders: ['StaticJSON', 'DynamicJSON'],
  vendordataFile: '',
  vendordataTargets: [] as string[],
  vendordataCertificate: '',
  vendordataConnectTimeout: 3,
  vendordataReadTimeout: 5,
  vendordataIsFatal: false,
}

async function programOf(t: TestContext, answer: RequestListener): Promise<string> {
  const program = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => program.once('listening', resolve))
  t.after(() => (program.closeAllConnections(), program.close()))
  return `http://127.0.0.1:${(program.address() as AddressInfo).port}/`
}

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-vendor-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'vendor.json'), text)
  return join(folder, 'vendor.json')
}

test('without anything set a guest reads an empty object', async () => {
  assert.deepEqual(await vendorDataOf(options, log, server), { file: {}, all: { static: {} } })
})

test('the file is there under both names, and a provider that is off is not', async (t) => {
  const vendordataFile = fileOf(t, '{"motd": "hello"}')
  const both = { file: { motd: 'hello' }, all: { static: { motd: 'hello' } } }
  assert.deepEqual(await vendorDataOf({ ...options, vendordataFile }, log, server), both)
  const off = await vendorDataOf({ ...options, vendordataFile, vendordataProviders: ['DynamicJSON'] }, log, server)
  assert.deepEqual(off, { all: {} })
})

test('a file that is none says which option names it', async (t) => {
  for (const vendordataFile of ['/nowhere/at/all.json', fileOf(t, '{')]) {
    const found = vendorDataOf({ ...options, vendordataFile }, log, server)
    await assert.rejects(
      found,
      (error) => error instanceof VendorDataFailed && /vendordata_jsonfile_path/.test(error.message),
    )
  }
})

test('programs are asked with what nova tells them, each under its name', async (t) => {
  const asked: unknown[] = []
  const url = await programOf(t, (request, response) => {
    const parts: Buffer[] = []
    request
      .on('data', (part: Buffer) => parts.push(part))
      .on('end', () => {
        asked.push(request.method, request.headers['user-agent'], JSON.parse(Buffer.concat(parts).toString()))
        response.end('{"role": "web"}')
      })
  })
  const vendordataTargets = [`first@${url}`, `static@${url}`, `first@${url}`, 'nameless']
  const { all } = await vendorDataOf({ ...options, vendordataTargets }, log, server)
  assert.deepEqual(all, { static: {}, first: { role: 'web' } })
  assert.deepEqual(asked.slice(0, 3), [
    'POST',
    'openstack-nova-vendordata',
    {
      'project-id': 'p',
      'instance-id': 'i',
      'image-id': null,
      'user-data': 'eA==',
      hostname: 'h',
      metadata: { a: 'b' },
      'boot-roles': '',
    },
  ])
})

test('a program that fails says nothing, unless it must', async (t) => {
  const answers: Record<string, RequestListener> = {
    error: (_request, response) => response.writeHead(500).end('{}'),
    elsewhere: (_request, response) => response.writeHead(302, { Location: '/' }).end(),
    nonsense: (_request, response) => response.end('<html>'),
    endless: (_request, response) => response.end('x'.repeat(2 * 1024 * 1024)),
    gone: (request) => request.socket.destroy(),
  }
  for (const [name, answer] of Object.entries(answers)) {
    const vendordataTargets = [`a@${await programOf(t, answer)}`]
    assert.deepEqual(
      (await vendorDataOf({ ...options, vendordataTargets }, log, server)).all,
      { static: {}, a: {} },
      name,
    )
    const must = vendorDataOf({ ...options, vendordataTargets, vendordataIsFatal: true }, log, server)
    await assert.rejects(must, VendorDataFailed, name)
  }
})
