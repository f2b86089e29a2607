// Runs the test suites, fast ones first, and prints one closing line. Usage: node tools/test.mjs [suite...]
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)
const packaged = ['x64', 'arm64'].map((cpu) => join(root, 'node_modules', `node-linux-${cpu}`, 'bin', 'node'))
if (!existsSync(join(root, 'node_modules', 'oxlint'))) {
  console.error('installing the npm packages of package-lock.json, development tools included (once)')
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (done.status !== 0) process.exit(1)
}
const node = Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : packaged.find(existsSync)

/**
 * Name of a suite, its files, and how many of them run at once. Real guests have namespaces of their own, and each has a
 * processor for itself; the suites that run one file use both in it.
 */
const suites = {
  unit: { files: ['src/**/*.test.ts'], not: /\.system\.test\.ts$/, atOnce: 2 },
  contract: { files: ['test/contract/**/*.test.ts'], atOnce: 2 },
  functional: {
    files: ['functional', 'deployments', 'upgrade'].map((folder) => `test/${folder}/**/*.test.ts`),
    atOnce: 2,
  },
  mariadb: { files: ['test/mariadb/**/*.test.ts'], atOnce: 1 },
  system: { files: ['src/**/*.system.test.ts', 'guest/*.test.mjs', 'test/system/**/*.test.ts'], atOnce: 2 },
  clients: { files: ['test/clients/**/*.test.ts'], not: /tempest\.test\.ts$/, atOnce: 2 },
  tempest: { files: ['test/clients/tempest/**/*.test.ts'], atOnce: 1 },
}

const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (!suites[name]) {
    console.error(`no suite '${name}'; there are ${Object.keys(suites).join(', ')}`)
    process.exit(2)
  }
}
let passed = 0
let failed = 0
for (const [name, suite] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const files = suite.files.flatMap((pattern) => find(pattern)).filter((file) => !suite.not?.test(file))
  if (files.length === 0) continue
  console.log(`\n== ${name}: ${files.length} files`)
  const counts = await runSuite(files, suite.atOnce)
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed`)
  passed += counts.passed
  failed += counts.failed
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** Files below the pattern's folder that end as it does; Node 20 has no globSync. */
function find(pattern) {
  const folder = pattern.split('/*')[0]
  const ending = pattern.slice(pattern.lastIndexOf('*') + 1)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
    .sort()
}

function runSuite(files, atOnce) {
  return new Promise((resolve) => {
    const args = [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${atOnce}`,
      '--test-timeout=1800000',
      '--test-reporter=spec',
      ...files,
    ]
    // Compiled code is kept, as bin/nephos does: two hundred files begin with the same modules.
    const env = { NODE_COMPILE_CACHE: join(root, '.nephos', 'compile-cache'), ...process.env }
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    const counts = { passed: 0, failed: 0 }
    let rest = ''
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) show(line, counts)
    })
    child.on('close', (code) => {
      show(rest, counts)
      if (code !== 0 && counts.failed === 0) counts.failed = 1
      resolve(counts)
    })
  })
}

/** Passes everything on but the lines of tests that passed. */
function show(line, counts) {
  const count = /^ℹ (pass|fail|cancelled) (\d+)/.exec(line)
  if (count) counts[count[1] === 'pass' ? 'passed' : 'failed'] += Number(count[2])
  else if (!/^\s*(✔|▶|ℹ)/.test(line) && line.trim() !== '') console.log(line)
}
