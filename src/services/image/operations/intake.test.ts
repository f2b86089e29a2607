import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { after, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { DigestPool } from '../../../base/digests/digest-pool.ts'
import { ServiceError } from '../../../platform/errors.ts'
import { TooLarge, UnsupportedFormat } from '../errors.ts'
import { takeIn, type IntakeOptions } from './intake.ts'

const digests = new DigestPool(2)
after(() => digests.close())

const options: IntakeOptions = { algorithm: 'sha512', declared: undefined, ignoredProblems: [], limit: Infinity }

function collector() {
  const parts: Buffer[] = []
  return {
    parts,
    write(bytes: Uint8Array) {
      parts.push(Buffer.from(bytes))
      return Promise.resolve()
    },
  }
}

test('hashes and bytes are the same however the data is cut', async () => {
  const data = randomBytes(3_500_000)
  const expected = (algorithm: string) => createHash(algorithm).update(data).digest('hex')
  for (const step of [1_000, 65_536, 1_048_576, 1_500_000, 3_500_000]) {
    const writer = collector()
    const chunks = Array.from({ length: Math.ceil(data.length / step) }, (_each, n) =>
      data.subarray(n * step, (n + 1) * step),
    )
    const found = await takeIn(digests, Readable.from(chunks, { objectMode: true }), writer, options)
    assert.deepEqual([found.size, found.checksum, found.hash_value], [data.length, expected('md5'), expected('sha512')])
    assert.ok(Buffer.concat(writer.parts).equals(data))
  }
})

test('several at once do not mix', async () => {
  const inputs = Array.from({ length: 8 }, () => randomBytes(2_200_000))
  const found = await Promise.all(inputs.map((data) => takeIn(digests, Readable.from([data]), collector(), options)))
  assert.deepEqual(
    found.map((each) => each.checksum),
    inputs.map((data) => createHash('md5').update(data).digest('hex')),
  )
})

test('a slow writer holds the sender back: memory stays a few blocks', async () => {
  let taken = 0
  let written = 0
  let most = 0
  const source = (async function* () {
    for (let n = 0; n < 40; n++) {
      taken++
      most = Math.max(most, taken - written)
      yield Buffer.alloc(1_048_576)
    }
  })()
  const writer = {
    async write() {
      await turn()
      written++
    },
  }
  await takeIn(digests, source, writer, options)
  assert.ok(most <= 8, `${most} blocks were waiting`)
})

test('what fails on the way fails the intake: writer, source, limit, format, abort', async () => {
  const failing = { write: () => Promise.reject(new Error('the disk is gone')) }
  await assert.rejects(takeIn(digests, Readable.from([randomBytes(2_000_000)]), failing, options), /the disk is gone/)
  const broken = Readable.from(
    (async function* () {
      yield randomBytes(10)
      throw new Error('cut')
    })(),
  )
  await assert.rejects(takeIn(digests, broken, collector(), options), /cut/)
  const three = () => Readable.from([randomBytes(3)])
  await assert.rejects(takeIn(digests, three(), collector(), { ...options, limit: 2 }), TooLarge)
  await assert.rejects(takeIn(digests, three(), collector(), { ...options, declared: 'qcow2' }), UnsupportedFormat)
  const signal = AbortSignal.abort(new Error('stop'))
  await assert.rejects(takeIn(digests, three(), collector(), { ...options, signal }), /stop/)
})

test('data that cannot become what it is said to be is refused before its end', async () => {
  let sent = 0
  const source = (async function* () {
    for (; sent < 100; sent++) yield randomBytes(1_048_576)
  })()
  await assert.rejects(takeIn(digests, source, collector(), { ...options, declared: 'qcow2' }), UnsupportedFormat)
  assert.ok(sent < 10, `${sent} MiB were taken`)
})

test('a sender who sends next to nothing for a minute is cut off with 408; a slow one is not', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    const slow = new PassThrough()
    const patient = takeIn(digests, slow, collector(), options)
    for (let minute = 0; minute < 3; minute++) {
      slow.write(Buffer.alloc(70_000))
      await turn()
      mock.timers.tick(60_000)
    }
    slow.end()
    assert.equal((await patient).size, 210_000)
    const stuck = new PassThrough()
    const refused = takeIn(digests, stuck, collector(), options)
    stuck.write(Buffer.alloc(100))
    await turn()
    mock.timers.tick(60_000)
    await assert.rejects(refused, (error) => error instanceof ServiceError && error.kind === 'timeout')
  } finally {
    mock.timers.reset()
  }
})
