/**
 * Writes what the contract tests compare of upstream's OpenAPI documents: test/contract/upstream/*.json.
 * Usage: node tools/api-digest.ts FOLDER, with the documents of the repository gtema/openstack-openapi in it.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { digestOf } from './api/digest.ts'
import { formatJson } from './api/json.ts'
import { apiServices } from './api/services.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node tools/api-digest.ts FOLDER')
  process.exit(2)
}
const target = join(import.meta.dirname, '../test/contract/upstream')
mkdirSync(target, { recursive: true })
for (const { definition } of apiServices) {
  const file = readdirSync(folder)
    .toSorted()
    .findLast((name) => name.startsWith(`${definition.type}-v`) && name.endsWith('.yaml'))
  if (file === undefined) throw new Error(`${folder} has no document of ${definition.type}`)
  const document = parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>
  writeFileSync(join(target, `${definition.type}.json`), `${formatJson(digestOf(document))}\n`)
}
