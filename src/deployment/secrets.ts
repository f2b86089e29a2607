/** Passwords and keys of a cloud, each in a file of its own: who needs one reads that one and no other. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isThere } from '../base/is-there.ts'
import { Secret } from '../platform/auth/secret.ts'
import { writePrivate } from './private-file.ts'
import { serviceUsers } from './services.ts'
import { paths } from './settings.ts'

/** Keys of the bus, what nova-metadata and its agents share, and passwords of users. */
export type CloudSecret = 'bus' | 'bus-control' | 'metadata' | `user-${string}`

/** Users that everybody knows; the services have theirs besides. */
export const people = ['admin', 'demo'] as const

const names: readonly CloudSecret[] = [
  'bus',
  'bus-control',
  'metadata',
  ...[...people, ...serviceUsers].map((user) => `user-${user}` as const),
]

const fileOf = (stateDir: string, name: CloudSecret) => join(paths(stateDir).secrets, name)

/** Makes what is missing. The one file of earlier versions, which a restored backup may bring, says what they are. */
export function ensureSecrets(stateDir: string): void {
  const { secrets } = paths(stateDir)
  mkdirSync(secrets, { recursive: true, mode: 0o700 })
  const earlier = readEarlier(stateDir)
  for (const name of names) {
    const file = fileOf(stateDir, name)
    const known = earlier.get(name)
    if (known !== undefined || !isThere(file)) writePrivate(file, known ?? randomBytes(16).toString('hex'))
  }
  rmSync(earlierFile(stateDir), { force: true })
}

/** Reads one. Throws where the cloud has none. */
export function readSecret(stateDir: string, name: CloudSecret): Secret {
  const file = fileOf(stateDir, name)
  if (!existsSync(file)) throw new Error(`${file} is missing; nephos up makes it`)
  return new Secret(readFileSync(file, 'utf8'))
}

const earlierFile = (stateDir: string) => join(dirname(paths(stateDir).secrets), 'secrets.json')

interface Earlier {
  adminPassword?: string
  demoPassword?: string
  servicePasswords?: Record<string, string>
  metadataSecret?: string
  busKey?: string
}

function readEarlier(stateDir: string): ReadonlyMap<string, string> {
  const file = earlierFile(stateDir)
  if (!existsSync(file)) return new Map()
  const { adminPassword, demoPassword, servicePasswords, metadataSecret, busKey } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as Earlier
  const known: Record<string, string | undefined> = {
    'user-admin': adminPassword,
    'user-demo': demoPassword,
    metadata: metadataSecret,
    bus: busKey,
    ...Object.fromEntries(Object.entries(servicePasswords ?? {}).map(([user, text]) => [`user-${user}`, text])),
  }
  return new Map(Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
