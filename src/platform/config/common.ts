/** Options that every service has. */
import { logOptions } from '../log/options.ts'
import { option } from './options.ts'

/** Of every service's own table. */
export const commonOptions = {
  parseProxyHeaders: option.boolean(
    'oslo_middleware',
    'enable_proxy_headers_parsing',
    false,
    'Links have the address that a proxy in front tells in Forwarded or X-Forwarded-Proto, -Host and -Prefix.',
  ),
}

/** Read by those who start a service. */
export const policyFileOption = option.string(
  'oslo_policy',
  'policy_file',
  '',
  'File of the rules; empty for policy.yaml, else policy.json, beside the configuration.',
)
export const policyFoldersOption = option.multi('oslo_policy', 'policy_dirs', ['policy.d'], 'Folders of more rules.')

export const optionsOfStart = [policyFileOption, policyFoldersOption, ...Object.values(logOptions)]
