/**
 * What it costs that a change is on the disk before it is acknowledged: servers from POST to ACTIVE on two clouds with fake
 * hosts that differ in `sqlite_synchronous` alone, by turns. JSON lines. Usage: npm run bench durability
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { configFilesOf } from '../src/deployment/service-files.ts'
import { login, type Api } from '../test/api.ts'
import { createTestCloud, type TestCloud } from '../test/cloud.ts'
import { build } from './build.ts'
import { measure, print, processesOf, type Figures } from './measure.ts'
import { timed } from './processes.ts'

const rounds = 4
const services = ['identity', 'image', 'placement', 'compute', 'network']

interface Subject {
  cloud: TestCloud
  demo: Api
  image: string
  pid: number
  figures: (Figures & { cpuMsEach: number })[]
}

const clouds = [await createTestCloud({ args: ['--fake'] }), await createTestCloud({ args: ['--fake'] })] as const
try {
  const subjects = [await start(clouds[0], true), await start(clouds[1], false)] as const
  for (let round = 0; round < rounds; round++) {
    // Who is first has the colder caches.
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) await turn(subject, 8, 120)
  }
  report('8 clients', subjects)
  for (let round = 0; round < rounds; round++)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) await turn(subject, 1, 20)
  report('one client', subjects)
} finally {
  for (const cloud of clouds) await cloud.destroy()
}

async function start(cloud: TestCloud, isDurable: boolean): Promise<Subject> {
  for (const type of services) {
    const [file = ''] = configFilesOf(cloud.stateDir, type)
    mkdirSync(dirname(file), { recursive: true })
    const section = type === 'placement' ? 'placement_database' : 'database'
    writeFileSync(file, `[${section}]\nsqlite_synchronous = ${isDurable}\n`)
  }
  await cloud.up()
  const demo = await login(cloud, 'demo')
  const admin = await login(cloud, 'admin')
  const quota_set = { cores: -1, ram: -1, instances: -1 }
  await admin.call('compute', 'PUT', `/v2.1/os-quota-sets/${demo.projectId}`, { quota_set })
  const listed = await demo.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
  return { cloud, demo, image: listed.body.images[0]!.id, pid: (await processesOf(cloud))['control']!, figures: [] }
}

async function turn({ demo, image, pid, figures }: Subject, clients: number, count: number) {
  let found: Figures | undefined
  const { cpuMs } = await timed(pid, async () => {
    found = await measure({ clients, count }, () => build(demo, image, 'none'))
  })
  figures.push({ ...found!, cpuMsEach: Number((cpuMs / count).toFixed(2)) })
}

function report(name: string, subjects: readonly [Subject, Subject]) {
  const medians = subjects.map(({ figures }) => {
    const middle = (key: 'perSecond' | 'p50' | 'p99' | 'cpuMsEach') =>
      figures.map((each) => each[key]).sort((a, b) => a - b)[figures.length >> 1]!
    return { perSecond: middle('perSecond'), p50: middle('p50'), p99: middle('p99'), cpuMs: middle('cpuMsEach') }
  })
  const [durable, loose] = medians as [(typeof medians)[0], (typeof medians)[0]]
  const ratio = Number((durable.perSecond / loose.perSecond).toFixed(2))
  print(`server create, POST to ACTIVE, ${name}`, { ...durable, withoutDisk: loose, ratio })
  for (const subject of subjects) subject.figures = []
}
