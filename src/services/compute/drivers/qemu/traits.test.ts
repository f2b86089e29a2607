import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostTraits } from './traits.ts'

test('a host says by traits what it can give', () => {
  const traits = hostTraits({ hasUefi: true })
  for (const name of [
    'IMAGE_TYPE_VMDK',
    'STORAGE_BUS_SATA',
    'NET_VIF_MODEL_E1000E',
    'GRAPHICS_MODEL_NONE',
    'FIRMWARE_UEFI',
  ])
    assert.ok(traits.includes(`COMPUTE_${name}`), name)
  assert.ok(!hostTraits({ hasUefi: false }).includes('COMPUTE_FIRMWARE_UEFI'))
  assert.ok(!traits.some((name) => /XEN|GPT|PLOOP|VIRTUAL|IGB/.test(name)))
  assert.equal(new Set(traits).size, traits.length)
})
