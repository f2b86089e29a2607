/** For tests inside namespaces of their own: makes what is left of the machine look like one that is all the cloud's. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { buildGuestImage } from '../guest/build.mjs'
import { computePrograms, networkPrograms } from '../src/host/packages.ts'
import { becomeHost, hostNamespaces, inNamespaces, reasonToSkip } from '../src/host/testing.ts'
import { collect } from './cloud.ts'

/** Runs commands that must succeed. */
export async function must(...commands: readonly (readonly string[])[]): Promise<void> {
  for (const argv of commands) {
    const { code, output } = await collect(argv)
    assert.equal(code, 0, `${argv.join(' ')}: ${output}`)
  }
}

/** A machine of its own as far as a cloud can see: no network, no namespaces, a tap device for root only. */
export async function makeHost(): Promise<void> {
  await becomeHost()
  await must(['mknod', '-m', '600', '/run/tun', 'c', '10', '200'], ['mount', '--bind', '/run/tun', '/dev/net/tun'])
}

/** Defines tests with real guests, which run in namespaces of their own. */
export async function withGuests(file: string, define: () => void): Promise<void> {
  const skip = await reasonToSkip([...computePrograms, ...networkPrograms])
  inNamespaces(file, { skip, unshare: hostNamespaces, before: () => buildGuestImage() }, define)
}

/**
 * The folder of this program under a name that every user can pass, for tests inside mounts of their own: it may lie in the
 * home of who runs the tests.
 */
export async function openCheckout(): Promise<string> {
  const root = resolve(import.meta.dirname, '..')
  const ways = root.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/') || '/')
  if (ways.every((way) => (statSync(way).mode & 0o001) !== 0)) return root
  await must(['mkdir', '/run/checkout'], ['mount', '--bind', root, '/run/checkout'])
  return '/run/checkout'
}
