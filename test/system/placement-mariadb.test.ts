/** Several placements on one MariaDB: what differs from SQLite is that their transactions run side by side. */
import { after, before, test } from 'node:test'
import { testSeveralProcesses } from '../../src/services/placement/testing/several-processes.ts'
import { Mariadb, noMariadb } from '../mariadb.ts'

let mariadb: Mariadb | undefined
let databases = 0

before(async () => {
  if (!noMariadb) mariadb = await Mariadb.start()
})
after(() => mariadb?.remove())

if (noMariadb) test('several placements on MariaDB', { skip: noMariadb }, () => undefined)
else {
  testSeveralProcesses(async () => {
    const name = `placement${databases++}`
    await mariadb!.run(`create database ${name}`)
    return `${mariadb!.url}/${name}`
  })
}
