/**
 * A real guest, as JSON lines: from POST to its login prompt, beside the same QEMU alone with the same disk, memory and
 * config drive; and how long a whole cloud takes to start. Runs in namespaces of its own; needs root and the packages
 * of a host. Usage: npm run bench guest
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildGuestImage } from '../guest/build.mjs'
import { buildVolume } from '../src/host/volume.ts'
import { probeAccel } from '../src/host/kvm.ts'
import { qemuProgram } from '../src/host/qemu.ts'
import { createOverlay } from '../src/host/qemu-img.ts'
import { login, type Api } from '../test/api.ts'
import { createTestCloud } from '../test/cloud.ts'
import { makeHost } from '../test/host.ts'
import { memory, print } from './measure.ts'

const rounds = 3
const flavor = { id: '42', memoryMb: 192, diskGb: 1 }
const patienceMs = 180_000

if (process.env['NEPHOS_BENCH_INSIDE'] === undefined) {
  await buildGuestImage()
  const unshare = ['--net', '--mount', '--propagation', 'private', process.execPath, import.meta.filename]
  const env = { ...process.env, NEPHOS_BENCH_INSIDE: '1' }
  process.exitCode = spawnSync('unshare', unshare, { stdio: 'inherit', env }).status ?? 1
} else await run()

async function run() {
  await makeHost()
  const image = await buildGuestImage()
  const accel = (await probeAccel('kvm')).works ? 'kvm' : 'tcg'
  const cloud = await createTestCloud({ args: [] })
  try {
    const started = performance.now()
    await cloud.up()
    print('first start with hosts, ms', { ms: Math.round(performance.now() - started) })
    const demo = await login(cloud, 'demo')
    print('first guest, POST to login prompt', { ms: await inCloud(demo), accel })
    const times = []
    const alone = []
    // By turns, so that both meet the same machine.
    for (let round = 0; round < rounds; round++) {
      times.push(await inCloud(demo))
      alone.push(await byHand(image, accel))
    }
    const ratio = Number((median(times) / median(alone)).toFixed(2))
    print('guest, POST to login prompt', { ms: median(times), aloneMs: median(alone), ratio, times, alone })
    await memory(cloud)
    await cloud.nephos('down')
    const again = performance.now()
    await cloud.up()
    print('warm start with hosts, ms', { ms: Math.round(performance.now() - again) })
  } finally {
    await cloud.destroy()
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

/** Builds a server with a config drive and a network, waits for its prompt, and deletes it. */
async function inCloud(demo: Api): Promise<number> {
  const find = async (service: 'image' | 'network', path: string) =>
    Object.values((await demo.call<Record<string, { id: string }[]>>(service, 'GET', path)).body)[0]![0]!.id
  const server = {
    name: 'bench',
    flavorRef: flavor.id,
    imageRef: await find('image', '/v2/images?name=cirros'),
    networks: [{ uuid: await find('network', '/v2.0/networks?name=private') }],
    config_drive: true,
  }
  const started = performance.now()
  const made = await demo.call<{ server: { id: string } }>('compute', 'POST', '/v2.1/servers', { server })
  if (made.status !== 202) throw new Error(`server create answered ${made.status}`)
  const path = `/v2.1/servers/${made.body.server.id}`
  const console_ = async () =>
    (await demo.call<{ output?: string }>('compute', 'POST', `${path}/action`, { 'os-getConsoleOutput': {} })).body
  while (!((await console_()).output ?? '').includes('login:')) {
    if (performance.now() - started > patienceMs) throw new Error('no login prompt')
    await sleep(20)
  }
  const ms = Math.round(performance.now() - started)
  await demo.call('compute', 'DELETE', path)
  while ((await demo.call('compute', 'GET', path)).status !== 404) await sleep(50)
  return ms
}

/** The same guest with nothing around it: its disk and drive are made outside of the time that counts. */
async function byHand(image: string, accel: 'kvm' | 'tcg'): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'nph-alone-'))
  try {
    const disk = join(folder, 'disk')
    const drive = join(folder, 'drive')
    await createOverlay(disk, { backingFile: image, backingFormat: 'qcow2', size: flavor.diskGb * 1024 ** 3 })
    const metadata = JSON.stringify({ uuid: '1', hostname: 'alone', name: 'alone' })
    const files = new Map([['openstack/latest/meta_data.json', Buffer.from(metadata)]])
    await buildVolume(drive, {
      format: 'iso9660',
      label: 'config-2',
      files,
    })
    const machine = `-machine q35 -accel ${accel} -cpu ${accel === 'kvm' ? 'host' : 'qemu64'} -m ${flavor.memoryMb}`
    const devices = '-nodefaults -display none -serial stdio -device virtio-rng-pci -nic user,model=virtio-net-pci'
    const disks = ['-drive', `file=${disk},if=virtio`, '-drive', `file=${drive},if=virtio,format=raw,readonly=on`]
    return await timeToPrompt([...machine.split(' '), ...devices.split(' '), ...disks])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function timeToPrompt(args: readonly string[]): Promise<number> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(qemuProgram, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (!text.includes('login:')) return
      clearTimeout(timer)
      child.kill('SIGKILL')
      resolve(Math.round(performance.now() - started))
    })
    child.once('error', reject).once('close', () => reject(new Error(`QEMU ended without a login prompt:\n${text}`)))
  })
}
