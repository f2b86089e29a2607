import { createServer } from 'node:http'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { connections } from '../platform/http/connections.ts'
import type { Observer } from '../platform/http/server.ts'

/** Prometheus metrics of the control process: requests by service and route, memory, event loop. */
export function createMetrics(): { observe: Observer; serve(host: string, port: number): Promise<() => void> } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'nephos_http_request_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['service', 'method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })
  return {
    observe: (service, method, route, status, seconds) =>
      requests.observe({ service, method, route, status: String(status) }, seconds),
    async serve(host, port) {
      const limits = { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 65_000 }
      const server = createServer(limits, (request, response) => {
        if (request.url !== '/metrics') return void response.writeHead(404).end()
        registry.metrics().then(
          (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
          () => response.writeHead(500).end(),
        )
      })
      server.setTimeout(120_000)
      connections.watch(server)
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
      return () => (server.close(), server.closeAllConnections())
    },
  }
}
