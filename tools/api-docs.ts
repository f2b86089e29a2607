/** Writes the APIs' descriptions from their route tables: openapi/*.json, docs/api/*.md. Usage: npm run api-docs */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedFiles } from './api/files.ts'

const root = join(import.meta.dirname, '..')
for (const [name, text] of generatedFiles()) {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), text)
}
