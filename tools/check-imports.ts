/**
 * Checks who imports whom: the table below is the architecture. Also refuses cycles, and SQL outside of a `store/`.
 * Usage: node tools/check-imports.ts
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')

/** A file's layer is the first pattern that matches; `$1` is its service. It may import itself and what is listed. */
const rules: readonly { layer: RegExp; may: readonly string[] }[] = [
  { layer: /^src\/base\//, may: ['src/base/'] },
  { layer: /^src\/host\//, may: ['src/base/', 'src/host/'] },
  { layer: /^src\/platform\//, may: ['src/base/', 'src/platform/'] },
  {
    layer: /^src\/services\/([a-z-]+)\/model\//,
    may: ['src/base/', 'src/services/$1/model/', 'src/services/$1/errors.ts'],
  },
  {
    layer: /^src\/services\/([a-z-]+)\/store\//,
    may: [
      'src/base/',
      'src/platform/db/',
      'src/platform/periodic/',
      'src/platform/saga/',
      'src/services/$1/model/',
      'src/services/$1/store/',
    ],
  },
  {
    // What other services import loads no more of its own service than the shapes of its API.
    layer: /^src\/services\/([a-z-]+)\/client\.ts$/,
    may: ['src/base/', 'src/platform/auth/', 'src/platform/http/', 'src/services/$1/api/'],
  },
  {
    layer: /^src\/services\/([a-z-]+)\/agent\//,
    may: [
      'src/base/',
      'src/host/',
      'src/platform/',
      '!src/platform/db/',
      'src/services/$1/agent/',
      'src/services/$1/rpc/',
      'src/services/$1/drivers/',
      'src/services/$1/model/',
    ],
  },
  {
    layer: /^src\/services\/([a-z-]+)\/drivers\//,
    may: [
      'src/base/',
      'src/host/',
      'src/platform/log/',
      'src/services/$1/drivers/',
      'src/services/$1/rpc/',
      'src/services/$1/model/',
    ],
  },
  {
    // What a service does, whoever asks: it knows no transport but the calls that it makes itself, and nothing of its API.
    layer: /^src\/services\/([a-z-]+)\/(?!api\/|testing\/|metadata\/|novncproxy\/|manage\/)[a-z0-9-]+\//,
    may: [
      'src/base/',
      'src/platform/',
      '!src/platform/http/(?!client|fence|schema)',
      'src/services/$1/',
      '!src/services/$1/api/',
      'src/services/*/client.ts',
    ],
  },
  {
    layer: /^src\/services\/([a-z-]+)\//,
    may: ['src/base/', 'src/platform/', 'src/services/$1/', 'src/services/*/client.ts'],
  },
  {
    layer: /^src\/deployment\//,
    may: ['src/base/', 'src/host/', 'src/platform/', 'src/deployment/', 'src/services/*/service.ts'],
  },
  { layer: /^src\/cmd\//, may: ['src/', 'guest/'] },
]

/** Who may speak SQL: what databases are made of, the stores of services, what tests set up, and who copies whole databases. */
const speaksSql = /^src\/platform\/|^src\/services\/[a-z-]+\/(store|testing)\/|^src\/cmd\/backup-databases\.ts$/
const sql = [
  { pattern: /\b(from|import)\s*\(?\s*['"](kysely|node:sqlite)['"]/, what: 'import a database' },
  { pattern: /\/platform\/db\/(upsert|compiled)\.ts['"]/, what: 'import what writes SQL' },
  { pattern: /\.\s*(selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\s*\(/, what: 'build queries' },
]

const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
const importsOf = new Map(files.map((file) => [file, readImports(file, /(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]))
/** Types vanish before the program runs, so only the other imports can make a cycle. */
const valueImportsOf = new Map(
  files.map((file) => [file, readImports(file, /^(?:import|export)(?! type)[^']*? from '(\.[^']+)'/gm)]),
)
const complaints = [...files.flatMap(checkFile), ...files.flatMap(checkSql), ...findCycles()]
for (const complaint of complaints) console.error(complaint)
process.exit(complaints.length === 0 ? 0 : 1)

function readImports(file: string, pattern: RegExp): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(pattern)].map((match) => relative(root, join(root, dirname(file), match[1]!)))
}

function checkFile(file: string): string[] {
  const rule = rules.find((each) => each.layer.test(file))
  if (!rule) return [`${file}: belongs to no layer of tools/check-imports.ts`]
  const service = rule.layer.exec(file)?.[1] ?? ''
  const may = rule.may.map((pattern) => pattern.replace('$1', service))
  return importsOf
    .get(file)!
    .filter((target) => !isAllowed(target, may))
    .map((target) => `${file} must not import ${target}`)
}

function checkSql(file: string): string[] {
  if (speaksSql.test(file)) return []
  const text = readFileSync(join(root, file), 'utf8')
  return sql
    .filter(({ pattern }) => pattern.test(text))
    .map(({ what }) => `${file} must not ${what}: a query is a named function of the service's store/`)
}

function isAllowed(target: string, may: readonly string[]): boolean {
  const matches = (pattern: string) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '[a-z-]+')}`).test(target)
  const refused = may.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))
  return !refused && may.some((pattern) => !pattern.startsWith('!') && matches(pattern))
}

function findCycles(): string[] {
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (file: string, trail: readonly string[]) => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open')
      return void found.push(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
    state.set(file, 'open')
    for (const target of valueImportsOf.get(file) ?? []) if (importsOf.has(target)) visit(target, [...trail, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  return found
}
