/** Connections to MariaDB with `ssl_ca`: a server that cannot prove its name, or has no TLS, is no server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { DatabaseUrlError, openDatabase } from '../../src/platform/db/database.ts'
import { collect } from '../cloud.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

async function must(...argv: string[]) {
  const { code, output } = await collect(argv)
  assert.equal(code, 0, output)
}

/** A certificate for `name`, signed by an authority of its own. */
async function certificate(folder: string, label: string, name: string) {
  const [key, cert] = [join(folder, `${label}.key`), join(folder, `${label}.pem`)]
  const subject = ['-subj', `/CN=${label}`, '-addext', `subjectAltName=${name}`]
  await must(
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  )
  return { key, cert }
}

test(
  'P4: the database must prove its name when an authority is given, and no option is overheard',
  { skip: noMariadb || false, timeout: 120_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'nph-tls-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const good = await certificate(folder, 'good', 'DNS:localhost')
    const other = await certificate(folder, 'other', 'DNS:localhost')
    const elsewhere = await certificate(folder, 'elsewhere', 'DNS:db.example')
    const mariadb = await Mariadb.start()
    t.after(() => mariadb.remove())
    const again = async (...tls: string[]) => (await mariadb.down(), mariadb.up(...tls))
    const connect = async (options: string) => {
      const database = openDatabase(`mysql+pymysql://nephos:p%40ss@localhost:${mariadb.port}/${options}`)
      try {
        const { rows } = await sql<{ Value: string }>`show status like 'Ssl_version'`.execute(database.db)
        return rows[0]?.Value
      } finally {
        await database.close()
      }
    }
    const presenting = ({ key, cert }: { key: string; cert: string }) => [`--ssl-key=${key}`, `--ssl-cert=${cert}`]
    const trusting = ({ cert }: { cert: string }) => `?ssl_ca=${cert}`

    await again(...presenting(good))
    assert.match((await connect(trusting(good))) ?? '', /^TLSv1\.[23]$/)
    await assert.rejects(connect(trusting(other)), /certificate/i)
    await again(...presenting(elsewhere))
    await assert.rejects(connect(trusting(elsewhere)), /altnames|does not match/i)
    await again('--skip-ssl')
    await assert.rejects(connect(trusting(good)), /secure connection/i)
    assert.equal(await connect(''), '')
    for (const options of ['?ssl=true', '?ssl_verify_cert=1&ssl_ca=x', '?ssl_cert=x', '?ssl_ca=/no/such/file'])
      await assert.rejects(connect(options), DatabaseUrlError)
  },
)
