/** The system programs that Nephos runs, the Debian packages that have them, and which of them are missing here. */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'

// WHEN A MODULE OF host/ RUNS ANOTHER PROGRAM: add it here, or its absence is reported without saying what to install.
export const debianPackages = {
  bridge: 'iproute2',
  dhcp_release: 'dnsmasq-utils',
  dhcp_release6: 'dnsmasq-utils',
  dnsmasq: 'dnsmasq-base',
  genisoimage: 'genisoimage',
  haproxy: 'haproxy',
  ip: 'iproute2',
  mcopy: 'mtools',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mkswap: 'util-linux',
  nft: 'nftables',
  nsenter: 'util-linux',
  prlimit: 'util-linux',
  'qemu-img': 'qemu-utils',
  'qemu-storage-daemon': 'qemu-system-common',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
  sysctl: 'procps',
  tc: 'iproute2',
  tgtadm: 'tgt',
  unshare: 'util-linux',
  uptime: 'procps',
  useradd: 'passwd',
} as const

export type Program = keyof typeof debianPackages
export type MissingProgram = { program: Program; debianPackage: string }

/** What the network agents need. */
export const networkPrograms: readonly Program[] = [
  'ip',
  'bridge',
  'nft',
  'nsenter',
  'sysctl',
  'dnsmasq',
  'dhcp_release',
  'dhcp_release6',
  'setpriv',
]
/** What a host that runs guests needs. */
export const computePrograms: readonly Program[] = [
  'qemu-system-x86_64',
  'qemu-img',
  'genisoimage',
  'mkfs.ext4',
  'mkswap',
  'prlimit',
  'setpriv',
  'unshare',
  'nsenter',
  'ip',
]

/** Where programs are looked for: never in the caller's PATH, which may not have the sbin folders. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The absolute path of a program, or undefined. An absolute path is checked as it is. */
export async function findProgram(program: string, path = searchPath): Promise<string | undefined> {
  const candidates = program.includes('/') ? [program] : path.split(':').map((dir) => join(dir, program))
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate
  }
  return undefined
}

export function debianPackageOf(program: string): string | undefined {
  return Object.hasOwn(debianPackages, program) ? debianPackages[program as Program] : undefined
}

export async function missingPrograms(programs: readonly Program[], path = searchPath): Promise<MissingProgram[]> {
  const found = await Promise.all(programs.map((program) => findProgram(program, path)))
  return programs
    .filter((_, index) => found[index] === undefined)
    .map((program) => ({ program, debianPackage: debianPackages[program] }))
}

/** One line for an operator: `apt-get install qemu-utils nftables`, or undefined when nothing is missing. */
export function installHint(missing: readonly MissingProgram[]): string | undefined {
  if (missing.length === 0) return undefined
  return `apt-get install ${[...new Set(missing.map(({ debianPackage }) => debianPackage))].join(' ')}`
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
