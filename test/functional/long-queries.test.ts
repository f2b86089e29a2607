/** Queries as long as a header may be: answered, or refused with 400, by every service. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { login, type Api } from '../api.ts'
import { createTestCloud, type TestCloud } from '../cloud.ts'

const longest = 60_000
const repeated = (part: string) =>
  Array(Math.floor(longest / (part.length + 1)))
    .fill(part)
    .join('&')
const items = Array.from({ length: 9000 }, (_, index) => `a${index.toString(36)}`).join(',')
const list = (name: string) => [`${name}=${items}`, `${name}=${'a,'.repeat(longest / 2)}a`]
const names = `${Array.from({ length: 7000 }, (_, index) => `p${index}=1`).join('&')}`
const mostNames = Array.from({ length: 199 }, (_, index) => `p${index}=1`).join('&')

type Service = Parameters<Api['call']>[0]
const queries: Record<string, { service: Service; paths: string[]; version?: string; queries: string[] }> = {
  image: {
    service: 'image',
    paths: ['/v2/images'],
    queries: [
      ...['tag=a', 'name=a', 'x=a', 'sort_key=name', 'id=a'].map(repeated),
      ...list('sort'),
      ...list('id'),
      ...list('name').map((query) => query.replace('=', '=in:')),
      `sort=${'name,'.repeat(10_000)}id`,
    ],
  },
  network: {
    service: 'network',
    paths: ['/v2.0/ports', '/v2.0/networks', '/v2.0/security-group-rules'],
    queries: [
      ...['id=a', 'tags=a', 'fields=a', 'sort_key=id', 'sort_key=id&sort_dir=asc', 'name=a'].map(repeated),
      ...['tags', 'tags-any', 'not-tags', 'not-tags-any'].flatMap(list),
      `name=${'x'.repeat(longest)}`,
    ],
  },
  compute: {
    service: 'compute',
    paths: ['/v2.1/servers', '/v2.1/servers/detail', '/v2.1/flavors'],
    version: 'compute 2.90',
    queries: [
      ...['name=a', 'sort_key=uuid', 'sort_key=display_name&sort_dir=asc', 'ip=1', 'status=ACTIVE', 'x=1'].map(
        repeated,
      ),
      ...['tags', 'tags-any', 'not-tags', 'not-tags-any'].flatMap(list),
      `name=${'x'.repeat(longest)}`,
    ],
  },
  placement: {
    service: 'placement',
    paths: ['/resource_providers', '/allocation_candidates'],
    version: 'placement 1.39',
    queries: [
      ...['required=HW_CPU_X86_SSE', 'member_of=in:a', 'resources=VCPU:1', 'name=a'].map(repeated),
      ...['required', 'member_of', 'resources'].flatMap(list),
      ...['required', 'member_of'].flatMap((name) => list(name).map((query) => query.replace('=', '=in:'))),
    ],
  },
  identity: {
    service: 'identity',
    paths: ['projects', 'users', 'roles', 'services', 'role_assignments'].map((each) => `/v3/${each}`),
    queries: [
      ...['name=a', 'name__contains=a', 'sort_key=id'].map(repeated),
      ...['tags', 'tags-any', 'not-tags', 'not-tags-any'].flatMap(list),
      `name__contains=${'x'.repeat(longest)}`,
    ],
  },
}

let cloud: TestCloud
let admin: Api

before(async () => {
  cloud = await createTestCloud({ args: ['--fake'] })
  await cloud.up()
  admin = await login(cloud, 'admin')
})
after(() => cloud?.destroy())

for (const [name, { service, paths, version, queries: all }] of Object.entries(queries))
  test(`P5: ${name} answers or refuses queries of sixty thousand characters`, async () => {
    const headers: Record<string, string> = version === undefined ? {} : { 'OpenStack-API-Version': version }
    for (const path of paths) {
      for (const query of [...all, mostNames]) {
        const { status, body } = await admin.call(service, 'GET', `${path}?${query}`, undefined, headers)
        const asked = `${path}?${query.slice(0, 60)} ${JSON.stringify(body).slice(0, 200)}`
        assert.ok([200, 204, 400].includes(status), `${status} ${asked}`)
      }
      assert.equal((await admin.call(service, 'GET', `${path}?${names}`, undefined, headers)).status, 400, path)
    }
  })
