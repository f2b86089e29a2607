/** For tests inside namespaces of their own: makes what is left of the machine look like one that is all the cloud's. */
import assert from 'node:assert/strict'
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
