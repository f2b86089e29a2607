import type { Logger } from '../../../platform/log/log.ts'
import type { HashMix } from '../model/hash-path.ts'
import type { Ring } from '../model/ring/ring.ts'
import type { Backends } from './backends.ts'

export interface Policy {
  readonly index: number
  readonly name: string
  readonly isDefault: boolean
  readonly isDeprecated: boolean
}

/** `[swift-constraints]` of swift.conf. */
export interface Limits {
  readonly maxFileSize: number
  readonly maxMetaNameLength: number
  readonly maxMetaValueLength: number
  readonly maxMetaCount: number
  readonly maxMetaOverallSize: number
  readonly maxHeaderSize: number
  readonly maxObjectNameLength: number
  readonly containerListingLimit: number
  readonly accountListingLimit: number
  readonly maxAccountNameLength: number
  readonly maxContainerNameLength: number
}

export interface ProxyDeps {
  readonly backends: Backends
  readonly rings: {
    readonly account: Ring
    readonly container: Ring
    object(policy: number): Ring | undefined
  }
  readonly mix: HashMix
  readonly policies: readonly Policy[]
  readonly limits: Limits
  readonly accountAutocreate: boolean
  readonly allowAccountManagement: boolean
  /** What `/info` tells, by section. */
  readonly info: () => Readonly<Record<string, unknown>>
  readonly log: Logger
}
