/** A service is added in its own folder and in one list. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { roles, services } from '../../src/deployment/services.ts'

const root = join(import.meta.dirname, '../..')
/** An operator's commands about guests and hosts: they are of what they speak to. */
const ofOneService = new Set(['src/cmd/guests.ts', 'src/cmd/host.ts', 'src/cmd/down.ts'])

test('one file outside of its folder names a service', () => {
  const files = globSync('src/{base,host,platform,deployment,cmd}/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && !ofOneService.has(file),
  )
  const naming = files.filter((file) => /services\/[a-z-]+\//.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(naming, ['src/deployment/services.ts'])
})

test('ports, places of ports, roles and programs are one service’s each', () => {
  const ports = services.flatMap((service) => Object.entries(service.ports))
  for (const values of [
    ports.map(([name]) => name),
    ports.map(([, port]) => port.standard),
    ports.map(([, port]) => port.offset),
    services.flatMap((service) => Object.keys(service.roles)),
    services.flatMap((service) => Object.keys(service.programs ?? {})),
    services.map(({ codeName }) => codeName),
  ])
    assert.equal(new Set<unknown>(values).size, values.length, values.join(' '))
})

test('clouds that exist keep their ports', () => {
  const places = Object.fromEntries(
    services.flatMap(({ ports }) => Object.entries(ports).map(([n, p]) => [n, p.offset])),
  )
  const first = { identity: 0, image: 1, placement: 2, compute: 3, metadata: 4, novncproxy: 5, network: 6 }
  assert.deepEqual(places, { ...first, identityAdmin: 8, 'object-store': 9 })
})

test('a role that listens has its port among those of its service; one that is an API names it', () => {
  for (const [name, { port, isApi, service }] of roles) {
    if (port !== undefined) assert.ok(service.ports[port], `${name}: ${port}`)
    assert.ok(!isApi || port !== undefined, name)
  }
})
