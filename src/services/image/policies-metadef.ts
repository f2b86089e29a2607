/** Rules of the metadata definitions. */
export type PolicyLine = readonly [name: string, check: string, ...operations: string[]]

const admin = 'rule:metadef_admin'
const reader = 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)'
const seer = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))"
const base = '/v2/metadefs/namespaces'
const one = `${base}/{namespace_name}`

export const metadefPolicies: readonly PolicyLine[] = [
  ['metadef_default', ''],
  ['metadef_admin', 'rule:context_is_admin'],
  ['get_metadef_namespace', seer, `GET ${one}`],
  ['get_metadef_namespaces', reader, `GET ${base}`],
  ['modify_metadef_namespace', admin, `PUT ${one}`],
  ['add_metadef_namespace', admin, `POST ${base}`],
  ['delete_metadef_namespace', admin, `DELETE ${one}`],
  ['get_metadef_object', seer, `GET ${one}/objects/{object_name}`],
  ['get_metadef_objects', seer, `GET ${one}/objects`],
  ['modify_metadef_object', admin, `PUT ${one}/objects/{object_name}`],
  ['add_metadef_object', admin, `POST ${one}/objects`],
  ['delete_metadef_object', admin, `DELETE ${one}/objects/{object_name}`],
  ['list_metadef_resource_types', seer, 'GET /v2/metadefs/resource_types'],
  ['get_metadef_resource_type', seer, `GET ${one}/resource_types`],
  ['add_metadef_resource_type_association', admin, `POST ${one}/resource_types`],
  ['remove_metadef_resource_type_association', admin, `DELETE ${one}/resource_types/{name}`],
  ['get_metadef_property', seer, `GET ${one}/properties/{property_name}`],
  ['get_metadef_properties', seer, `GET ${one}/properties`],
  ['modify_metadef_property', admin, `PUT ${one}/properties/{property_name}`],
  ['add_metadef_property', admin, `POST ${one}/properties`],
  ['remove_metadef_property', admin, `DELETE ${one}/properties/{property_name}`],
  ['get_metadef_tag', seer, `GET ${one}/tags/{tag_name}`],
  ['get_metadef_tags', seer, `GET ${one}/tags`],
  ['modify_metadef_tag', admin, `PUT ${one}/tags/{tag_name}`],
  ['add_metadef_tag', admin, `POST ${one}/tags/{tag_name}`],
  ['add_metadef_tags', admin, `POST ${one}/tags`],
  ['delete_metadef_tag', admin, `DELETE ${one}/tags/{tag_name}`],
  ['delete_metadef_tags', admin, `DELETE ${one}/tags`],
]
