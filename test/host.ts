/** For tests inside namespaces of their own: makes what is left of the machine look like one that is all the cloud's. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { becomeHost } from '../src/host/testing.ts'
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
  const device = mkdtempSync(join(tmpdir(), 'nph-dev-'))
  await becomeHost()
  await must(
    ['mount', '-t', 'tmpfs', 'tmpfs', device],
    ['mknod', '-m', '600', join(device, 'tun'), 'c', '10', '200'],
    ['mount', '--bind', join(device, 'tun'), '/dev/net/tun'],
  )
}
