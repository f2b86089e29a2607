import { Type } from 'typebox'

export const nullableString = (maxLength?: number) =>
  Type.Union([Type.Null(), Type.String(maxLength === undefined ? {} : { maxLength })])
