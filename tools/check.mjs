// Types, lint, import rules and dead code. Usage: node tools/check.mjs
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const checks = [
  ['types', bin('tsc'), ['--noEmit']],
  ['lint', bin('oxlint'), ['src', 'test', 'bench', 'tools']],
  ['imports', bin('node'), [join(root, 'tools/check-imports.ts')]],
  ['dead code', bin('knip'), ['--no-progress']],
]
let failed = 0
for (const [name, command, args] of checks) {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: path } })
  if (done.status === 0) console.log(`ok    ${name}`)
  else {
    failed++
    console.log(`FAIL  ${name}\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error ?? ''}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
