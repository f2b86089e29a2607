import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { bodies } from '../../../../platform/http/schema.ts'
import { number, text } from '../answers.ts'
import { strict, uuid } from '../parameter-types.ts'

const first = ['network-changed', 'network-vif-plugged', 'network-vif-unplugged', 'network-vif-deleted']
const bodyOf = (...more: string[]) => {
  const event = Type.Object(
    {
      server_uuid: uuid,
      name: Type.Enum([...first, ...more]),
      status: Type.Optional(Type.Enum(['failed', 'completed', 'in-progress'])),
      tag: Type.Optional(Type.String({ maxLength: 255 })),
    },
    strict,
  )
  return Type.Object({ events: Type.Array(event, { minItems: 1 }) }, strict)
}
const newer = ['volume-extended', 'power-update', 'accelerator-request-bound', 'volume-reimaged']
export const body = bodies(bodyOf(...newer), [
  ['initial', bodyOf()],
  ['action-events-for-owners', bodyOf(...newer.slice(0, 1))],
  ['event-power-update', bodyOf(...newer.slice(0, 2))],
  ['event-accelerator', bodyOf(...newer.slice(0, 3))],
  ['event-volume-reimaged', bodyOf(...newer)],
])

export const answer = exactly({
  events: Type.Array(exactly({ server_uuid: text, name: text, status: text, tag: Type.Optional(text), code: number })),
})
