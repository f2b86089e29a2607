/**
 * The ledger of earlier versions, which all agents of a host had together, becomes one for each part: by the names that
 * things have, and a cable by what it is called at its other end, in the namespace of DHCP or of a router. What cannot be
 * told so is nobody's: it stays until `nephos down`. Any number of agents may begin with this at once: a ledger is made
 * once, whole, before any part opens one.
 */
import { existsSync } from 'node:fs'
import { link, mkdir, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { draftOf } from '../../../base/replace-file.ts'
import { readTextIfThere, replaceFile } from '../../../host/files.ts'
import { listLinks } from '../../../host/links.ts'
import { isNetns } from '../../../host/netns.ts'
import { isErrno } from '../../../host/process.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { agentParts, sliceOf, type AgentPart } from '../rpc/parts.ts'
import { followedFile, type Followed } from './followed.ts'
import {
  folderOf,
  ledgerFile,
  noEntries,
  nobodysFolder,
  ownedKinds,
  readEntries,
  textOf,
  type Entries,
  type OwnedKind,
} from './owned.ts'

/** Call before a ledger of a part is opened. */
export async function splitLedger(stateDir: string, log: Logger): Promise<void> {
  const files = [followedFile(stateDir), ledgerFile(stateDir)]
  if (!files.some((file) => existsSync(file))) return
  const { shares, rest } = await share(readEntries(stateDir))
  const followed = JSON.parse((await readTextIfThere(followedFile(stateDir))) ?? 'null') as Followed | null
  for (const part of agentParts) {
    const folder = folderOf(stateDir, part)
    const own = followed && { ...followed, state: sliceOf(followed.state, [part]) }
    await writeOnce(followedFile(folder), JSON.stringify(own))
    await writeOnce(ledgerFile(folder), textOf(shares[part]))
  }
  if (Object.values(rest).flat().length > 0) {
    await writeOnce(ledgerFile(nobodysFolder(stateDir)), textOf(rest))
    log.warn(rest, 'nobody can tell which agent made these; they stay until nephos down')
  }
  for (const file of files) await rm(file, { force: true })
}

/** To each part its own. A cable that is not there any more is nobody's, and needs nobody. */
async function share(all: Entries): Promise<{ shares: Record<AgentPart, Entries>; rest: Entries }> {
  const shares = { l2: noEntries(), dhcp: noEntries(), l3: noEntries(), metadata: noEntries() }
  const rest = noEntries()
  const there = new Set((await listLinks()).map(({ name }) => name))
  const cables = await cablesOf(all.namespaces)
  for (const kind of ownedKinds) {
    for (const name of all[kind]) {
      const part = isCable(kind, name) ? cables.get(name) : makerOf(kind, name)
      if (part) shares[part][kind].push(name)
      else if (!isCable(kind, name) || there.has(name)) rest[kind].push(name)
    }
  }
  return { shares, rest }
}

/** Taps of guests are nobody's to own: those in the ledger lead into namespaces. */
const isCable = (kind: OwnedKind, name: string) => kind === 'links' && /^tap[0-9a-f-]{11}$/.test(name)

function makerOf(kind: OwnedKind, name: string): AgentPart | undefined {
  if (kind === 'links' || kind === 'tables') return 'l2'
  const [prefix] = basename(name).split('-')
  if (prefix === 'qdhcp' || prefix === 'dhcp') return 'dhcp'
  return prefix === 'qrouter' || prefix === 'ra' ? 'l3' : undefined
}

const farEnds: Readonly<Record<string, AgentPart>> = { ns: 'dhcp', qr: 'l3', qg: 'l3' }

/** By their near ends: `tapX` leads to `ns-X`, `qr-X` or `qg-X`. */
async function cablesOf(namespaces: readonly string[]): Promise<Map<string, AgentPart>> {
  const cables = new Map<string, AgentPart>()
  for (const netns of namespaces) {
    if (!(await isNetns(netns))) continue
    for (const { name } of await listLinks({ netns })) {
      const [, kind = '', id] = /^(ns|qr|qg)-(.+)$/.exec(name) ?? []
      if (farEnds[kind]) cables.set(`tap${id}`, farEnds[kind])
    }
  }
  return cables
}

/** A file that is there stays as it is. */
async function writeOnce(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const whole = draftOf(file)
  try {
    await replaceFile(whole, text, 0o600)
    await link(whole, file)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  } finally {
    await rm(whole, { force: true })
  }
}
