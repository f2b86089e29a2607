/** Runs benchmarks by name, all of them without one, each in a process of its own. Usage: npm run bench [NAME]... */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const files: Readonly<Record<string, string>> = {
  cloud: 'run.ts',
  durability: 'durability.ts',
  identity: 'identity.ts',
  directory: 'directory.ts',
  image: 'image.ts',
  placement: 'placement.ts',
  network: 'network.ts',
  hosts: 'hosts.ts',
  guest: 'guest.ts',
}
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(files)
let failed = 0
for (const name of wanted) {
  const file = files[name]
  if (file === undefined) throw new Error(`no benchmark '${name}'; there are ${Object.keys(files).join(', ')}`)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' })
  if (status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
