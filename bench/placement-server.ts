/** Placement over HTTP in a thread of its own, for bench/placement.ts: clients and server do not share an event loop. */
import { parentPort } from 'node:worker_threads'
import { serve } from '../src/platform/http/server.ts'
import { createLogger } from '../src/platform/log/log.ts'
import { startPlacement } from '../src/services/placement/testing/placement.ts'

const databaseUrl = process.env['NEPHOS_BENCH_DATABASE']
const placement = await startPlacement(databaseUrl === undefined ? {} : { databaseUrl })
const log = createLogger({ name: 'bench', level: 'fatal' })
const server = await serve(placement.app, { host: '127.0.0.1', port: 0, log })
parentPort?.on('message', () => {
  void server.close(0).then(async () => {
    await placement.stop()
    parentPort?.close()
  })
})
// oxlint-disable-next-line require-post-message-target-origin -- a thread, no window.
parentPort?.postMessage({ port: server.port, databaseUrl: placement.databaseUrl })
