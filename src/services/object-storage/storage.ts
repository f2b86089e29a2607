/** The storage servers of this process, and how they and the proxy find what is where. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { draftOf } from '../../base/replace-file.ts'
import type { Logger } from '../../platform/log/log.ts'
import { readRing } from './model/ring/ring-data.ts'
import { Ring } from './model/ring/ring.ts'
import type { HashMix } from './model/hash-path.ts'
import { ringName, type SwiftConfig } from './config/config.ts'
import { backendsOf, hereIp, tellOver, type ServerKind } from './proxy/backends.ts'
import { accountServer } from './servers/account.ts'
import { containerServer } from './servers/container.ts'
import { objectServer } from './servers/object.ts'
import type { StorageDeps, Tell } from './servers/request.ts'
import { OpenBrokers } from './store/databases/open-brokers.ts'
import { devicesBelow, type Devices } from './store/files/devices.ts'
import type { Handler } from './wire/message.ts'

/** A device is a folder where there are no rings; a part for each of so many is enough for one. */
const ownDevice = 'd1'
const ownPartPower = 10

export type Storage = ReturnType<typeof openStorage>

/** Opens what is there of the storage. Throws RingError and what the file system says. */
export function openStorage(config: SwiftConfig, stateDir: string, log: Logger) {
  const isOwn = config.ringFolder === undefined
  const mix = config.mix ?? ownMix(stateDir)
  const brokers = new OpenBrokers()
  const devicesOf = (kind: ServerKind): Devices => {
    const { devices, mountCheck } = config.servers[kind]
    if (!isOwn) return devicesBelow(devices ?? '/srv/node', mountCheck)
    const root = join(stateDir, 'devices')
    mkdirSync(join(root, ownDevice), { recursive: true, mode: 0o700 })
    return devicesBelow(root, false)
  }
  // The servers tell each other over what is made of them.
  let tell: Tell = () => Promise.reject(new Error('the storage is not open'))
  const depsOf = (kind: ServerKind): StorageDeps => ({
    devices: devicesOf(kind),
    brokers,
    mix,
    policies: config.policies,
    tell: (node, message) => tell(node, message),
    log,
  })
  const deps = { account: depsOf('account'), container: depsOf('container'), object: depsOf('object') }
  const servers: Readonly<Record<ServerKind, Handler>> = {
    account: accountServer(deps.account),
    container: containerServer(deps.container),
    object: objectServer(deps.object),
  }
  const addressOf = (kind: ServerKind): string | undefined => {
    const { listen } = config.servers[kind]
    return listen && `${listen.host}:${listen.port}`
  }
  const backends = backendsOf({
    here: servers,
    addresses: { account: addressOf('account'), container: addressOf('container'), object: addressOf('object') },
    connectMs: config.proxy.connectMs,
    answerMs: config.proxy.answerMs,
  })
  tell = tellOver(backends)
  return {
    isOwn,
    mix,
    servers,
    deps,
    backends,
    rings: isOwn ? ownRings(config) : ringsIn(config),
    close() {
      backends.close()
      brokers.close()
    },
  }
}

function ownRings({ policies }: SwiftConfig) {
  const device = { id: 0, region: 1, zone: 1, ip: hereIp, port: 0, device: ownDevice, weight: 1, meta: '' }
  const assignments = [new Uint16Array(2 ** ownPartPower)]
  const ring = new Ring({
    devices: [device],
    assignments,
    partShift: 32 - ownPartPower,
    nextPartPower: null,
    version: null,
  })
  return {
    account: ring,
    container: ring,
    object: (policy: number) => (policies.some(({ index }) => index === policy) ? ring : undefined),
  }
}

function ringsIn({ ringFolder = '', policies }: SwiftConfig) {
  const read = (name: string) => new Ring(readRing(readFileSync(join(ringFolder, name))))
  const objects = new Map(policies.map((policy) => [policy.index, read(ringName(policy))]))
  return {
    account: read('account.ring.gz'),
    container: read('container.ring.gz'),
    object: (policy: number): Ring | undefined => objects.get(policy),
  }
}

/** Made once and kept for good: with another one nothing would be found any more. */
function ownMix(stateDir: string): HashMix {
  const file = join(stateDir, 'hash-path.json')
  if (!existsSync(file)) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const draft = draftOf(file)
    const handle = openSync(draft, 'wx', 0o600)
    try {
      writeFileSync(
        handle,
        JSON.stringify({ prefix: randomBytes(16).toString('hex'), suffix: randomBytes(16).toString('hex') }),
      )
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    try {
      // Another process may have made it meanwhile: the first one counts.
      linkSync(draft, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(draft)
    }
  }
  return JSON.parse(readFileSync(file, 'utf8')) as HashMix
}
