/**
 * `openstack resource …` (osc-placement): the plugin's own functional tests, each on a fresh placement, and the commands
 * an operator uses on a cloud with keystone's tokens.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { serve, type HttpServer } from '../../src/platform/http/server.ts'
import { createLogger } from '../../src/platform/log/log.ts'
import { atItsAddress, startPlacement, type TestPlacement } from '../../src/services/placement/testing/placement.ts'
import { eventually, login } from '../api.ts'
import { collect, createTestCloud } from '../cloud.ts'

const plugin = '/usr/lib/python3/dist-packages/osc_placement/tests/functional'
const why = !existsSync(plugin) && 'needs the package python3-osc-placement'

/** Stands in for placement's own test fixtures: asks this process for a placement and gives it back. */
const fixture = `
import fixtures
import os
import urllib.request


class PlacementFixture(fixtures.Fixture):
    token = 'admin'

    def setUp(self):
        super().setUp()
        with urllib.request.urlopen(os.environ['PLACEMENT_MAKER'] + '/start') as answer:
            self.endpoint = answer.read().decode()
        port = self.endpoint.rsplit(':', 1)[1]
        self.addCleanup(lambda: urllib.request.urlopen(os.environ['PLACEMENT_MAKER'] + '/stop/' + port).close())
`
const capture = `
import fixtures


class Logging(fixtures.Fixture):
    pass
`

/** Answers \`/start\` with the address of a new placement, ends it on \`/stop/PORT\`. */
async function startMaker(t: TestContext): Promise<string> {
  const running = new Map<string, { placement: TestPlacement; server: HttpServer }>()
  const stop = async (port: string) => {
    const found = running.get(port)
    running.delete(port)
    await found?.server.close(0)
    await found?.placement.stop()
  }
  const answer = async (url: string): Promise<string> => {
    if (url !== '/start') {
      await stop(url.slice('/stop/'.length))
      return ''
    }
    const placement = await startPlacement()
    const log = createLogger({ name: 'http', level: 'fatal' })
    const server = await serve(atItsAddress(placement.app), { host: '127.0.0.1', port: 0, log })
    running.set(String(server.port), { placement, server })
    return `http://127.0.0.1:${server.port}`
  }
  const maker: Server = createServer((request, response) => {
    answer(request.url ?? '').then(
      (text) => response.end(text),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => maker.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    maker.closeAllConnections()
    maker.close()
    for (const port of running.keys()) await stop(port)
  })
  return `http://127.0.0.1:${(maker.address() as { port: number }).port}`
}

test("osc-placement's own functional tests pass", { skip: why, timeout: 400_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-osc-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const fixtures = join(folder, 'placement/tests/functional/fixtures')
  mkdirSync(fixtures, { recursive: true })
  for (const at of ['', 'tests', 'tests/functional', 'tests/functional/fixtures']) {
    writeFileSync(join(folder, 'placement', at, '__init__.py'), '')
  }
  writeFileSync(join(fixtures, 'placement.py'), fixture)
  writeFileSync(join(fixtures, 'capture.py'), capture)
  const env = {
    PYTHONPATH: folder,
    PYTHONWARNINGS: 'ignore',
    PYTHONDONTWRITEBYTECODE: '1',
    PLACEMENT_MAKER: await startMaker(t),
  }
  const argv = [
    '/usr/bin/python3',
    '-m',
    'testtools.run',
    'discover',
    '-t',
    '/usr/lib/python3/dist-packages',
    '-s',
    plugin,
  ]
  const { code, output } = await collect(argv, env)
  const ran = Number(/^Ran (\d+) tests/m.exec(output)?.[1] ?? 0)
  t.diagnostic(`${ran} tests`)
  assert.equal(code, 0, output.slice(-8000))
  assert.ok(ran > 100, output.slice(-2000))
})

test(
  'an operator looks at a cloud and changes it with openstack resource …',
  { skip: why, timeout: 300_000 },
  async (t) => {
    const cloud = await createTestCloud({ args: ['--fake'] })
    t.after(() => cloud.destroy())
    await cloud.up()
    const env = { ...cloud.environment('admin'), OS_PLACEMENT_API_VERSION: '1.37', PYTHONWARNINGS: 'ignore' }
    const run = (words: string) => collect(['openstack', ...words.split(' ')], env)
    const openstack = async <T>(words: string): Promise<T> => {
      const { code, output } = await run(`${words} -f json`)
      assert.equal(code, 0, `${words}\n${output}`)
      return JSON.parse(output) as T
    }
    const must = async (words: string) => {
      const { code, output } = await run(words)
      assert.equal(code, 0, `${words}\n${output}`)
    }

    const [host] = await openstack<{ uuid: string; name: string; generation: number }[]>('resource provider list')
    assert.ok(host)
    const inventory = await openstack<{ resource_class: string; used: number }[]>(
      `resource provider inventory list ${host.uuid}`,
    )
    assert.deepEqual(inventory.map((each) => each.resource_class).sort(), ['DISK_GB', 'MEMORY_MB', 'VCPU'])

    const demo = await login(cloud, 'demo')
    const { body: images } = await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
    const { body: list } = await demo.call<{ networks: { id: string }[] }>(
      'network',
      'GET',
      '/v2.0/networks?name=private',
    )
    const networks = [{ uuid: list.networks[0]!.id }]
    const server = { name: 'osc', flavorRef: '42', imageRef: images.images[0]!.id, networks }
    const { body } = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
    assert.ok(body.server, JSON.stringify(body))
    await eventually('the server is ACTIVE', async () => {
      const path = `/v2.1/servers/${body.server.id}`
      return (await demo.call<{ server: { status: string } }>('compute', 'GET', path)).body.server.status === 'ACTIVE'
    })
    const [allocation] = await openstack<{ resource_provider: string; resources: Record<string, number> }[]>(
      `resource provider allocation show ${body.server.id}`,
    )
    assert.equal(allocation?.resource_provider, host.uuid)
    const usage = await openstack<{ resource_class: string; usage: number }[]>(`resource usage show ${demo.projectId}`)
    assert.ok(
      usage.some((each) => each.resource_class === 'VCPU' && each.usage >= 1),
      JSON.stringify(usage),
    )

    await must('resource class create CUSTOM_CARD')
    await must('trait create CUSTOM_FAST')
    const card = await openstack<{ uuid: string }>(`resource provider create card --parent-provider ${host.uuid}`)
    await must(`resource provider inventory set ${card.uuid} --resource CUSTOM_CARD=2`)
    await must(`resource provider trait set ${card.uuid} --trait CUSTOM_FAST`)
    const found = await openstack<{ 'resource provider': string }[]>(
      'allocation candidate list --resource CUSTOM_CARD=1 --required CUSTOM_FAST',
    )
    assert.deepEqual(
      found.map((each) => each['resource provider']),
      [card.uuid],
    )
    const refused = await run(`resource provider delete ${host.uuid}`)
    assert.notEqual(refused.code, 0)
    assert.match(refused.output, /Unable to delete parent resource provider/)
    await must(`resource provider delete ${card.uuid}`)

    const program = join(import.meta.dirname, '../../bin/placement-status')
    const checked = await collect([program, '--state-dir', cloud.stateDir, 'upgrade', 'check'])
    assert.equal(checked.code, 0, checked.output)
    assert.match(checked.output, /Check: Incomplete Consumers/)
  },
)
