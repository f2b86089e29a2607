import { shown, standardFields } from '../kit/answers.ts'
import { closed } from '../kit/schema.ts'

/** Lengths are texts, as clients know them from neutron. */
export const subnetPoolAnswer = closed({
  ...standardFields,
  ip_version: shown.integer,
  prefixes: shown.texts,
  default_prefixlen: shown.text,
  min_prefixlen: shown.text,
  max_prefixlen: shown.text,
  default_quota: shown.nullableInteger,
  address_scope_id: shown.nullableText,
  is_default: shown.boolean,
  shared: shown.boolean,
})
export const prefixesAnswer = closed({ prefixes: shown.texts })

/** Address scopes are not among the resources with revisions, times and tags. */
export const addressScopeAnswer = closed({
  id: shown.text,
  name: shown.text,
  project_id: shown.text,
  tenant_id: shown.text,
  ip_version: shown.integer,
  shared: shown.boolean,
})
