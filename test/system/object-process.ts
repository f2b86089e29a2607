/** Swift in a process of its own, for tests that kill it. Says on which port it listens. */
import { createLogger } from '../../src/platform/log/log.ts'
import { serve } from '../../src/platform/http/server.ts'
import { startSwift } from '../../src/services/object-storage/testing/swift.ts'

const swift = await startSwift({}, process.argv[2])
const log = createLogger({ name: 'test', level: 'silent' })
const server = await serve(swift.app, { host: '127.0.0.1', port: 0, log })
process.stdout.write(`${server.port}\n`)
