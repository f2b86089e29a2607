/** The clouds that upstream's gabbi tests of placement run against, as plans of providers. */
import { randomUUID } from 'node:crypto'
import { addProvider, claim, type ProviderPlan } from '../../src/services/placement/testing/cloud-of.ts'
import type { TestPlacement } from '../../src/services/placement/testing/placement.ts'

export type Environment = Record<string, string>

/** What every test finds in its environment. */
export function commonEnvironment(): Environment {
  const environment: Environment = {
    CUSTOM_RES_CLASS: 'CUSTOM_IRON_NFV',
    CUSTOM_RES_CLASS1: 'CUSTOM_IRON_NFV1',
    CUSTOM_RES_CLASS2: 'CUSTOM_IRON_NFV2',
  }
  const names = `RP_UUID RP_NAME RP_UUID1 RP_NAME1 RP_UUID2 RP_NAME2 PROJECT_ID ADMIN_PROJECT_ID SERVICE_PROJECT_ID USER_ID
    PROJECT_ID_ALT USER_ID_ALT INSTANCE_UUID MIGRATION_UUID CONSUMER_UUID PARENT_PROVIDER_UUID ALT_PARENT_PROVIDER_UUID`
  for (const name of names.trim().split(/\s+/)) environment[name] = randomUUID()
  return environment
}

type Fixture = (placement: TestPlacement, environment: Environment) => Promise<void>
type Plan = Omit<ProviderPlan, 'parent'> & { variable?: string; children?: readonly Plan[] }

/** Makes a tree; each provider's uuid is in its variable, its name in capitals with _UUID unless it says otherwise. */
async function plant(placement: TestPlacement, environment: Environment, plan: Plan, parent?: string): Promise<string> {
  const { variable = `${plan.name.toUpperCase()}_UUID`, children = [], ...provider } = plan
  const uuid = await addProvider(placement, { ...provider, ...(parent !== undefined && { parent }) })
  environment[variable] = uuid
  for (const child of children) await plant(placement, environment, child, uuid)
  return uuid
}

const shares = 'MISC_SHARES_VIA_AGGREGATE'

const allocation: Fixture = async (placement, environment) => {
  const { RP_UUID: uuid, RP_NAME: name, PROJECT_ID: project, USER_ID: user } = environment as Record<string, string>
  environment['ALT_USER_ID'] = randomUUID()
  environment['ALT_RP_UUID'] = randomUUID()
  environment['ALT_RP_NAME'] = randomUUID()
  const add = (resource_class: string, inventory: object) =>
    placement.must('POST', `/resource_providers/${uuid}/inventories`, { resource_class, ...inventory })
  await addProvider(placement, { uuid: uuid!, name: name! })
  await add('DISK_GB', { total: 2048, step_size: 10, min_unit: 10, max_unit: 1000 })
  await add('VCPU', { total: 10, max_unit: 10 })
  // Upstream makes these below the API: its consumers have no type.
  const old = async (user_id: string, resources: Record<string, number>) => {
    const consumer = randomUUID()
    const body = { allocations: { [uuid!]: { resources } }, project_id: project, user_id, consumer_generation: null }
    const answer = await placement.call('PUT', `/allocations/${consumer}`, body, { version: '1.28' })
    if (answer.status !== 204) throw new Error(`the fixture's allocation answered ${answer.status}`)
    return consumer
  }
  environment['CONSUMER_0'] = await old(user!, { DISK_GB: 1000 })
  environment['CONSUMER_ID'] = await old(user!, { VCPU: 6 })
  environment['ALT_CONSUMER_ID'] = await old(environment['ALT_USER_ID'], { DISK_GB: 20, VCPU: 1 })
}

const sharedStorage: Fixture = async (placement, environment) => {
  const aggregates = [(environment['AGG_UUID'] = randomUUID())]
  const node = { VCPU: { total: 24, allocation_ratio: 16 }, MEMORY_MB: { total: 128 * 1024, allocation_ratio: 1.5 } }
  const disk = { DISK_GB: { total: 2000, reserved: 100, allocation_ratio: 1 } }
  const numas = (host: number): Plan[] =>
    [1, 2].map((numa) => ({
      name: `numa${host}_${numa}`,
      children: [{ name: `pf${host}_${numa}`, inventory: { SRIOV_NET_VF: 8 } }],
    }))
  const traits = ['HW_CPU_X86_SSE', 'HW_CPU_X86_SSE2']
  await plant(placement, environment, { name: 'cn1', aggregates, inventory: node, traits, children: numas(1) })
  await plant(placement, environment, { name: 'cn2', aggregates, inventory: { ...node, ...disk }, children: numas(2) })
  for (const name of ['ss', 'ss2']) {
    await plant(placement, environment, { name, aggregates, inventory: disk, traits: [shares] })
  }
}

const numaAggregate: Fixture = async (placement, environment) => {
  const [a, b, c] = ['AGGA_UUID', 'AGGB_UUID', 'AGGC_UUID'].map((name) => (environment[name] = randomUUID()))
  const inventory = { VCPU: { total: 24, allocation_ratio: 16 } }
  const disk = { DISK_GB: { total: 2000, reserved: 100, allocation_ratio: 1 } }
  await plant(placement, environment, {
    name: 'cn1',
    aggregates: [a!],
    children: [
      { name: 'numa1_1', aggregates: [c!], inventory },
      { name: 'numa1_2', inventory },
    ],
  })
  await plant(placement, environment, {
    name: 'cn2',
    aggregates: [a!, b!],
    children: [
      { name: 'numa2_1', inventory },
      { name: 'numa2_2', inventory },
    ],
  })
  await plant(placement, environment, { name: 'ss1', aggregates: [a!], inventory: disk, traits: [shares] })
  await plant(placement, environment, { name: 'ss2', aggregates: [c!], inventory: disk, traits: [shares] })
}

const firstNode = (aggregate: string): Plan => ({
  name: 'cn1',
  aggregates: [aggregate],
  traits: ['COMPUTE_VOLUME_MULTI_ATTACH'],
  children: [
    {
      name: 'numa0',
      traits: ['HW_NUMA_ROOT'],
      inventory: { VCPU: 4, MEMORY_MB: { total: 2048, min_unit: 512, step_size: 256 } },
      children: [
        { name: 'fpga0', inventory: { FPGA: 1 } },
        { name: 'pgpu0', inventory: { VGPU: 8 } },
      ],
    },
    {
      name: 'numa1',
      traits: ['HW_NUMA_ROOT', 'CUSTOM_FOO'],
      inventory: { VCPU: 4, MEMORY_MB: { total: 2048, min_unit: 256, max_unit: 1024 } },
      children: [0, 1].map((i) => ({ name: `fpga1_${i}`, inventory: { FPGA: 1 } })),
    },
    {
      name: 'sriov_agent',
      traits: ['CUSTOM_VNIC_TYPE_DIRECT'],
      children: [1, 2].map((i) => ({
        name: `esn${i}`,
        traits: [`CUSTOM_PHYSNET${i}`],
        inventory: { NET_BW_EGR_KILOBIT_PER_SEC: 10000 * i },
      })),
    },
    {
      name: 'ovs_agent',
      traits: ['CUSTOM_VNIC_TYPE_NORMAL'],
      children: [{ name: 'br_int', traits: ['CUSTOM_PHYSNET0'], inventory: { NET_BW_EGR_KILOBIT_PER_SEC: 1000 } }],
    },
  ],
})

const secondNode = (aggregate: string): Plan => {
  const nic = (number: number, functions: readonly number[], vfs: number): Plan => ({
    name: `nic${number}`,
    traits: ['CUSTOM_HW_NIC_ROOT'],
    children: functions.map((network, at) => ({
      name: `pf${number}_${at + 1}`,
      traits: [`CUSTOM_PHYSNET${network}`],
      inventory: { CUSTOM_VF: vfs },
    })),
  })
  return {
    name: 'cn2',
    aggregates: [aggregate],
    traits: ['CUSTOM_FOO'],
    inventory: { VCPU: 8, MEMORY_MB: { total: 2048, min_unit: 1024, step_size: 128 }, DISK_GB: 1000 },
    children: [nic(1, [1, 2], 4), nic(2, [1, 2, 1, 2], 2), nic(3, [1], 8)],
  }
}

const numaNetwork =
  (isDeep: boolean): Fixture =>
  async (placement, environment) => {
    const aggregate = (environment['AGGA_UUID'] = randomUUID())
    await plant(placement, environment, {
      name: 'ss1',
      aggregates: [aggregate],
      traits: [shares],
      inventory: { DISK_GB: 2000 },
    })
    const nodes = [firstNode(aggregate), secondNode(aggregate)]
    if (isDeep) {
      const parents = nodes.map((node, at) => ({ name: `p${at + 1}`, children: [node] }))
      await plant(placement, environment, { name: 'gp1', children: parents })
    } else for (const node of nodes) await plant(placement, environment, node)
    await claim(placement, environment['NUMA0_UUID']!, { VCPU: 2 })
    await claim(placement, environment['CN2_UUID']!, { VCPU: 3 })
  }

const nonSharedStorage: Fixture = async (placement, environment) => {
  for (const name of ['AGGA_UUID', 'AGGB_UUID', 'AGGC_UUID']) environment[name] = randomUUID()
  const inventory = { VCPU: 24, MEMORY_MB: 128 * 1024, DISK_GB: 2000 }
  for (const name of ['cn1', 'cn2', 'cn3']) await plant(placement, environment, { name, inventory })
}

const granular: Fixture = async (placement, environment) => {
  const [a, b, c] = ['AGGA', 'AGGB', 'AGGC'].map((name) => (environment[name] = randomUUID()))
  const node = { VCPU: 8, MEMORY_MB: 4096 }
  const add = (name: string, aggregates: string[], inventory: ProviderPlan['inventory'], traits: string[]) =>
    plant(placement, environment, { name, variable: name.toUpperCase(), aggregates, inventory, traits })
  await add('cn_left', [a!], { ...node, DISK_GB: 500, VGPU: 8, SRIOV_NET_VF: 8, CUSTOM_NET_MBPS: 4000 }, [
    'HW_CPU_X86_AVX',
    'HW_CPU_X86_AVX2',
    'HW_GPU_API_DXVA',
    'HW_NIC_DCB_PFC',
    'CUSTOM_FOO',
  ])
  await add('cn_middle', [a!, b!], { ...node, SRIOV_NET_VF: 8, CUSTOM_NET_MBPS: 4000 }, [
    'HW_CPU_X86_AVX',
    'HW_CPU_X86_AVX2',
    'HW_CPU_X86_SSE',
    'HW_NIC_ACCEL_TLS',
  ])
  await add('cn_right', [b!, c!], { ...node, DISK_GB: 500, VGPU: { total: 8, max_unit: 2 } }, [
    'HW_CPU_X86_MMX',
    'HW_GPU_API_DXVA',
    'CUSTOM_DISK_SSD',
  ])
  await add('shr_disk_1', [a!], { DISK_GB: 1000 }, [shares, 'CUSTOM_DISK_SSD'])
  await add('shr_disk_2', [a!, b!], { DISK_GB: 1000 }, [shares])
  await add('shr_net', [c!], { SRIOV_NET_VF: 16, CUSTOM_NET_MBPS: 40000 }, [shares])
}

const neutronQos: Fixture = async (placement, environment) => {
  const direct = ['CUSTOM_VNIC_TYPE_DIRECT', 'CUSTOM_VNIC_TYPE_DIRECT_PHYSICAL', 'CUSTOM_VNIC_TYPE_MACVTAP']
  const bandwidth = (amount: number) => ({ NET_BW_EGR_KILOBIT_PER_SEC: amount, NET_BW_IGR_KILOBIT_PER_SEC: amount })
  const compute = (number: number, networks: readonly string[], bridge: number, card: number): Plan => {
    const host = `compute${number}`
    const ovs = `${host}:Open vSwitch agent`
    const sriov = `${host}:NIC Switch agent`
    return {
      name: host,
      variable: host,
      inventory: { VCPU: 8, MEMORY_MB: 4096, DISK_GB: 500 },
      children: [
        {
          name: ovs,
          variable: `${host}:ovs_agent`,
          inventory: { NET_PACKET_RATE_KILOPACKET_PER_SEC: 1000 },
          traits: ['CUSTOM_VNIC_TYPE_NORMAL'],
          children: networks.map((network, at) => ({
            name: `${ovs}:br-ex${at === 0 ? '' : at + 1}`,
            variable: `${host}:br_ex${at === 0 ? '' : at + 1}`,
            inventory: bandwidth(bridge),
            traits: ['CUSTOM_VNIC_TYPE_NORMAL', network],
          })),
        },
        {
          name: sriov,
          variable: `${host}:sriov_agent`,
          traits: direct,
          children: networks.map((network, at) => ({
            name: `${sriov}:enp129s0f${at}`,
            variable: `${host}:pf${at}`,
            inventory: bandwidth(card),
            traits: [...direct, network],
          })),
        },
      ],
    }
  }
  const [s1, s2] = ['CUSTOM_PHYSNET_MSN_S1', 'CUSTOM_PHYSNET_MSN_S2'] as const
  for (const plan of [
    compute(0, ['CUSTOM_PHYSNET_OTHER'], 5000, 10000),
    compute(1, [s1], 5000, 10000),
    compute(2, [s2], 5000, 10000),
    compute(3, [s1, s2], 1000, 1000),
  ]) {
    await plant(placement, environment, plan)
  }
}

const nothing: Fixture = () => Promise.resolve()

/** By upstream's names. */
export const fixtures: Readonly<Record<string, Fixture>> = {
  APIFixture: nothing,
  AllocationFixture: allocation,
  SharedStorageFixture: sharedStorage,
  NUMAAggregateFixture: numaAggregate,
  NUMANetworkFixture: numaNetwork(false),
  DeepNUMANetworkFixture: numaNetwork(true),
  NonSharedStorageFixture: nonSharedStorage,
  CORSFixture: nothing,
  GranularFixture: granular,
  OpenPolicyFixture: nothing,
  SecureRBACPolicyFixture: nothing,
  LegacyRBACPolicyFixture: nothing,
  NeutronQoSMultiSegmentFixture: neutronQos,
}

const secure = '[oslo_policy]\nenforce_new_defaults = true\nenforce_scope = true\n'

/** placement.conf of those fixtures that configure it. */
export const configurations: Readonly<Record<string, string>> = {
  CORSFixture: '[cors]\nallowed_origin = http://valid.example.com\nallow_headers = openstack-api-version\n',
  SecureRBACPolicyFixture: secure,
}
