/**
 * A server that does nothing but answer, for comparison: GET with the bytes of a file, read at once or (`stream`) from the
 * file each time; PUT by reading what comes. A process of its own, as what it is compared with. Arguments: FILE [stream].
 * Prints its port.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'

const [file = '', how] = process.argv.slice(2)
const bytes = how === 'stream' ? undefined : readFileSync(file)
const server = createServer((request, response) => {
  if (request.method === 'PUT') return void request.resume().on('end', () => response.end())
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', bytes?.length ?? statSync(file).size)
  if (bytes) response.end(bytes)
  else createReadStream(file).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : address)
})
