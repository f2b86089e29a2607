/**
 * Samples of state directories that releases wrote. To add one: start the release with `--fake --compute-hosts 2`, make the
 * servers `first` and `second` as demo, end it, then `node test/upgrade/sample.ts STATE_DIR test/upgrade/samples/NAME.json.gz`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync, gzipSync } from 'node:zlib'

/** Paths below the state directory with their content, a character for each byte. */
type Sample = Record<string, string>

/** What a start makes anew. */
const isLeftOut = (path: string) => /^(log|run)\/|\.db-(wal|shm)$|\.sock$|openrc$|clouds\.yaml$/.test(path)

/** Packs a state directory; its databases become one file each. */
export function packSample(stateDir: string, file: string): void {
  const sample: Sample = {}
  for (const path of readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).sort()) {
    if (isLeftOut(path) || !statSync(join(stateDir, path)).isFile()) continue
    const content = path.endsWith('.db') ? whole(join(stateDir, path)) : readFileSync(join(stateDir, path))
    sample[path] = content.toString('latin1')
  }
  writeFileSync(file, gzipSync(JSON.stringify(sample), { level: 9 }))
}

/** Lays a sample out in a folder. */
export function unpackSample(file: string, stateDir: string): void {
  const sample = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Sample
  for (const [path, content] of Object.entries(sample)) {
    mkdirSync(dirname(join(stateDir, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(stateDir, path), Buffer.from(content, 'latin1'), { mode: 0o600 })
  }
}

/** A database with its journal in one file. */
function whole(file: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'nephos-sample-'))
  const copy = join(folder, 'copy.db')
  const database = new DatabaseSync(file)
  database.prepare('vacuum into ?').run(copy)
  database.close()
  const content = readFileSync(copy)
  rmSync(folder, { recursive: true })
  return content
}

const [stateDir, file] = process.argv.slice(2)
if (import.meta.main && stateDir !== undefined && file !== undefined) packSample(stateDir, file)
