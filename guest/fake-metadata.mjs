// The metadata service of the guest's tests: serves what the JSON object in the first argument has for a path.
import { createServer } from 'node:http'

const answers = JSON.parse(process.argv[2])
createServer((request, response) => {
  const answer = answers[request.url]
  response.writeHead(answer === undefined ? 404 : 200).end(answer)
}).listen(80, '169.254.169.254', () => console.log('listening'))
