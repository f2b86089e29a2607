/**
 * What others than the user say to a guest: a file of the operator's, and programs that are asked over HTTP.
 * Source: nova/api/metadata/vendordata_json.py, vendordata_dynamic.py; nova's guide "Vendordata".
 */
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Logger } from '../../../platform/log/log.ts'
import type { ComputeConfig } from '../config.ts'
import type { Server } from '../model/server.ts'
import type { VendorData } from '../model/vendor-data.ts'

/** A provider that the configuration says must answer did not. */
export class VendorDataFailed extends Error {}

type Asked = Pick<Server, 'id' | 'projectId' | 'image' | 'userData' | 'hostname' | 'metadata'>
type Options = Pick<
  ComputeConfig,
  | 'vendordataProviders'
  | 'vendordataFile'
  | 'vendordataTargets'
  | 'vendordataCertificate'
  | 'vendordataConnectTimeout'
  | 'vendordataReadTimeout'
  | 'vendordataIsFatal'
>

const maxAnswerBytes = 1024 * 1024

/** Asks every provider, in the order of `vendordata_providers`; what came first under a name stays. */
export async function vendorDataOf(options: Options, log: Logger, server: Asked): Promise<VendorData> {
  const all: Record<string, unknown> = {}
  const found: VendorData = { all }
  for (const provider of options.vendordataProviders) {
    if (provider === 'StaticJSON') all['static'] = found.file = await readVendorFile(options.vendordataFile)
    else if (provider === 'DynamicJSON') {
      for (const [name, value] of await askTargets(options, log, server)) {
        if (Object.hasOwn(all, name)) log.warn({ name }, 'vendordata has this name already')
        else all[name] = value
      }
    }
  }
  return found
}

async function readVendorFile(path: string): Promise<unknown> {
  if (path === '') return {}
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (cause) {
    throw new VendorDataFailed(`[api] vendordata_jsonfile_path = ${path} cannot be read as JSON`, { cause })
  }
}

async function askTargets(options: Options, log: Logger, server: Asked): Promise<Map<string, unknown>> {
  const answers = new Map<string, unknown>()
  for (const target of options.vendordataTargets) {
    const [, name = '', url = ''] = /^([^@]*)@(.*)$/s.exec(target) ?? []
    if (url === '' || answers.has(name)) {
      log.warn(
        { target },
        url === '' ? 'a vendordata target is NAME@URL' : 'a vendordata target of this name came before',
      )
      continue
    }
    answers.set(name, await askTarget(options, log, url, server))
  }
  return answers
}

async function askTarget(options: Options, log: Logger, url: string, server: Asked): Promise<unknown> {
  try {
    const text = await post(url, JSON.stringify(questionOf(server)), options)
    return text === '' ? {} : (JSON.parse(text) as unknown)
  } catch (cause) {
    log.warn({ err: cause, server: server.id, url }, 'vendordata could not be fetched')
    if (options.vendordataIsFatal) throw new VendorDataFailed(`vendordata of ${url} could not be fetched`, { cause })
    return {}
  }
}

const questionOf = ({ id, projectId, image, userData, hostname, metadata }: Asked) => ({
  'project-id': projectId,
  'instance-id': id,
  'image-id': image?.id ?? null,
  'user-data': userData,
  hostname,
  metadata,
  'boot-roles': '',
})

/** The text of a good answer; anything else rejects. Redirects are not followed. */
async function post(url: string, body: string, options: Options): Promise<string> {
  const ca = options.vendordataCertificate === '' ? undefined : await readFile(options.vendordataCertificate)
  const target = new URL(url)
  const request = target.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Accept: 'application/json',
    'User-Agent': 'openstack-nova-vendordata',
  }
  const about: RequestOptions & { ca?: Buffer } = { method: 'POST', headers, agent: false, ...(ca && { ca }) }
  return await new Promise<string>((resolve, reject) => {
    const sent = request(target, about, (answer) => {
      const parts: Buffer[] = []
      let length = 0
      answer.on('data', (part: Buffer) => {
        parts.push(part)
        length += part.length
        if (length > maxAnswerBytes) sent.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`))
      })
      answer.once('error', reject)
      answer.once('end', () => {
        const { statusCode = 0 } = answer
        if (statusCode < 200 || statusCode > 299) reject(new Error(`the answer is ${statusCode}`))
        else resolve(Buffer.concat(parts).toString())
      })
    })
    const late = (what: string) => () => sent.destroy(new Error(`no ${what} in time`))
    const connecting = setTimeout(late('connection'), options.vendordataConnectTimeout * 1000)
    sent.once('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)))
    sent.setTimeout(options.vendordataReadTimeout * 1000, late('answer'))
    sent.once('close', () => clearTimeout(connecting))
    sent.once('error', reject)
    sent.end(body)
  })
}
