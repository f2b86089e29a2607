/**
 * Forwarding entries of a vxlan interface: behind which host (an address) a MAC is. The MAC of zeros is where frames go
 * that all shall get; it may have many entries, others have one.
 */
import { canonicalIp, canonicalMac } from '../base/ip.ts'
import { CommandFailed, run } from './command.ts'
import type { InNetns } from './netns.ts'
import { interfaceName, netnsName } from './safe-text.ts'

export type FdbEntry = { mac: string; destination: string }

export const floodMac = '00:00:00:00:00:00'

export async function listFdb(device: string, { netns }: InNetns = {}): Promise<FdbEntry[]> {
  return parseFdb((await run([...bridge(netns), '-j', 'fdb', 'show', 'dev', interfaceName(device)])).stdout)
}

/** Adds another destination for a MAC. */
export async function appendFdb(device: string, entry: FdbEntry, { netns }: InNetns = {}): Promise<void> {
  try {
    await run([...bridge(netns), 'fdb', 'append', ...entryWords(device, entry)])
  } catch (error) {
    if (!(error instanceof CommandFailed && /File exists/.test(error.stderr))) throw error
  }
}

/** Makes this the only destination of a MAC. */
export async function replaceFdb(device: string, entry: FdbEntry, { netns }: InNetns = {}): Promise<void> {
  await run([...bridge(netns), 'fdb', 'replace', ...entryWords(device, entry)])
}

export async function deleteFdb(device: string, entry: FdbEntry, { netns }: InNetns = {}): Promise<void> {
  try {
    await run([...bridge(netns), 'fdb', 'del', ...entryWords(device, entry)])
  } catch (error) {
    if (!(error instanceof CommandFailed && /No such file|No such device|Cannot find/.test(error.stderr))) throw error
  }
}

/** Afterwards the interface has exactly these entries. One read and at most one batch. */
export async function ensureFdb(device: string, wanted: readonly FdbEntry[], { netns }: InNetns = {}): Promise<void> {
  const lines = planFdb(device, wanted, await listFdb(device, { netns }))
  if (lines.length === 0) return
  const input = lines.map((words) => `${words.join(' ')}\n`).join('')
  await run([...bridge(netns), '-batch', '-'], { input })
}

export function planFdb(device: string, wanted: readonly FdbEntry[], actual: readonly FdbEntry[]): string[][] {
  const key = ({ mac, destination }: FdbEntry) => `${canonicalMac(mac)} ${canonicalIp(destination)}`
  const want = new Set(wanted.map(key))
  const have = new Set(actual.map(key))
  // A MAC other than the flood one has a single entry, which `replace` moves without a moment in between.
  const moved = new Set(wanted.filter((entry) => !isFlood(entry)).map(({ mac }) => canonicalMac(mac)))
  const isMoved = (entry: FdbEntry) => moved.has(canonicalMac(entry.mac))
  return [
    ...actual
      .filter((entry) => !want.has(key(entry)) && !isMoved(entry))
      .map((entry) => ['fdb', 'del', ...entryWords(device, entry)]),
    ...wanted
      .filter((entry) => !have.has(key(entry)))
      .map((entry) => ['fdb', isFlood(entry) ? 'append' : 'replace', ...entryWords(device, entry)]),
  ]
}

export function parseFdb(json: string): FdbEntry[] {
  const raw = (json.trim() === '' ? [] : JSON.parse(json)) as { mac: string; dst?: string }[]
  return raw.flatMap(({ mac, dst }) => (dst === undefined ? [] : [{ mac, destination: canonicalIp(dst) }]))
}

function isFlood({ mac }: FdbEntry): boolean {
  return canonicalMac(mac) === floodMac
}

function entryWords(device: string, { mac, destination }: FdbEntry): string[] {
  return [canonicalMac(mac), 'dev', interfaceName(device), 'dst', canonicalIp(destination)]
}

function bridge(netns: string | undefined): string[] {
  return netns === undefined ? ['bridge'] : ['bridge', '-n', netnsName(netns)]
}
