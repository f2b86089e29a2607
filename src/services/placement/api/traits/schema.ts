import { Type } from 'typebox'
import { closed, generation } from '../schema.ts'

const trait = Type.String({ minLength: 1, maxLength: 255 })
const text = Type.Optional(Type.String())

export const listQuery = Type.Object({ name: text, associated: text }, closed)
export const replaceBody = Type.Object({ traits: Type.Array(trait), resource_provider_generation: generation }, closed)

const names = Type.Array(trait)
export const listAnswer = Type.Object({ traits: names }, closed)
export const ofProviderAnswer = Type.Object({ traits: names, resource_provider_generation: generation }, closed)
