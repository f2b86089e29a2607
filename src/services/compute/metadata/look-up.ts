/** From a path to what the metadata service answers. Source: nova/api/metadata/base.py (lookup). */
import { posix } from 'node:path'
import type { ServerMetadata, Sources } from './document.ts'
import { ec2Value, ec2Version, ec2Versions, printEc2 } from './ec2.ts'
import {
  listOpenstackFiles,
  openstackFile,
  openstackVersion,
  openstackVersions,
  passwordFile,
  passwordSince,
} from './openstack.ts'

export interface Found {
  body: Buffer | string
  type: 'text/plain; charset=UTF-8' | 'application/json'
}

const text = (body: Buffer | string): Found => ({ body, type: 'text/plain; charset=UTF-8' })
const lines = (names: readonly string[]): Found => text(names.join('\n'))
/** The network data is JSON too, and nova says `text/plain` all the same. */
const isTyped = (name: string) => name.endsWith('.json') && name !== 'network_data.json'

/** The parts of a path; the tree of EC2 has no name of its own, but answers to `ec2` too. */
export function partsOf(path: string): [tree: 'ec2' | 'openstack', ...rest: string[]] {
  const [first = '', ...rest] = posix
    .normalize(`/${path}`)
    .split('/')
    .filter((part) => part !== '')
  if (first === 'ec2' || first === 'openstack') return [first, ...rest]
  return first === '' ? ['ec2'] : ['ec2', first, ...rest]
}

/** Whether a path is the one that guests keep their password at. */
export function isPassword(path: string): boolean {
  const [tree, folder, name, ...rest] = partsOf(path)
  const at = tree === 'openstack' ? openstackVersion(folder) : undefined
  return at !== undefined && at >= passwordSince && name === passwordFile && rest.length === 0
}

/** `address` is the guest's own. Undefined where there is nothing. */
export async function lookUp(
  server: ServerMetadata,
  path: string,
  sources: Sources,
  address?: string,
): Promise<Found | undefined> {
  const [tree, folder, ...rest] = partsOf(path)
  if (folder === undefined) return lines([...(tree === 'ec2' ? ec2Versions : openstackVersions), 'latest'])
  if (tree === 'ec2') {
    const at = ec2Version(folder)
    const value = at && ec2Value(server, at, rest, address)
    if (value === undefined) return undefined
    return text(Buffer.isBuffer(value) ? value : printEc2(value))
  }
  const at = openstackVersion(folder)
  const [name, ...more] = rest
  if (at === undefined || more.length > 0) return undefined
  if (name === undefined) return lines(listOpenstackFiles(server, at))
  const body = await openstackFile(server, at, name, sources)
  return body && (isTyped(name) ? { body, type: 'application/json' } : text(body))
}
