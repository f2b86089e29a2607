import { option } from '../../platform/config/options.ts'

const remoteId = (protocol: string) =>
  option.string(
    protocol,
    'remote_id_attribute',
    '',
    `Attribute that names the identity provider of the protocol ${protocol}.`,
  )

/** [federation], [saml], [oauth1], [oauth2] of keystone.conf, and what stands for Apache's part in it. */
export const federationOptions = {
  assertionPrefix: option.string(
    'federation',
    'assertion_prefix',
    '',
    'Only attributes whose names begin so are part of an assertion.',
  ),
  remoteIdAttribute: option.string(
    'federation',
    'remote_id_attribute',
    '',
    'Attribute that names the identity provider, where a protocol has none of its own.',
  ),
  trustedDashboards: option.multi(
    'federation',
    'trusted_dashboard',
    [],
    'Addresses that a token may be sent to after a login in a browser; repeat for several.',
  ),
  ssoCallbackTemplate: option.string(
    'federation',
    'sso_callback_template',
    '',
    'HTML file with $host and $token; empty for the built-in page.',
  ),
  defaultAuthorizationTtl: option.integer(
    'federation',
    'default_authorization_ttl',
    0,
    'Minutes that group memberships from a login last; 0: only as long as the token.',
    { min: 0 },
  ),
  mappingSchemaVersion: option.string(
    'federation',
    'attribute_mapping_default_schema_version',
    '1.0',
    'Version of mappings that name none.',
    { choices: ['1.0', '2.0', '3.0'] },
  ),
  trustedProxies: option.list(
    'federation',
    'trusted_proxies',
    [],
    'Addresses or networks of the proxies whose assertion headers count; from anywhere else they are ignored.',
  ),
  remoteUserHeader: option.string(
    'federation',
    'remote_user_header',
    '',
    'Header in which a trusted proxy names the user that it has authenticated (REMOTE_USER); empty: none does.',
  ),
  remoteDomainHeader: option.string(
    'federation',
    'remote_domain_header',
    '',
    'Header in which a trusted proxy names the domain of that user (REMOTE_DOMAIN); empty: the default domain.',
  ),
  saml2RemoteId: remoteId('saml2'),
  openidRemoteId: remoteId('openid'),
  mappedRemoteId: remoteId('mapped'),
  x509RemoteId: remoteId('x509'),
  assertionHeaderPrefix: option.string(
    'federation',
    'assertion_header_prefix',
    'x-assertion-',
    'Request headers that begin so carry the attributes of an assertion; the proxy must remove them from clients.',
  ),
  assertionExpiration: option.integer('saml', 'assertion_expiration_time', 3600, 'Seconds that an assertion lasts.', {
    min: 1,
  }),
  samlCertificate: option.string('saml', 'certfile', '/etc/keystone/ssl/certs/signing_cert.pem', 'Certificate (PEM).'),
  samlKey: option.string('saml', 'keyfile', '/etc/keystone/ssl/private/signing_key.pem', 'Private key (PEM).'),
  idpEntityId: option.string('saml', 'idp_entity_id', '', 'URI that names this cloud as an identity provider.'),
  idpSsoEndpoint: option.string('saml', 'idp_sso_endpoint', '', 'Single sign-on address in the metadata.'),
  idpLang: option.string('saml', 'idp_lang', 'en', 'Language of the organization in the metadata.'),
  idpOrganizationName: option.string('saml', 'idp_organization_name', 'SAML Identity Provider', 'In the metadata.'),
  idpOrganizationDisplayName: option.string(
    'saml',
    'idp_organization_display_name',
    'OpenStack SAML Identity Provider',
    'In the metadata.',
  ),
  idpOrganizationUrl: option.string('saml', 'idp_organization_url', 'https://example.com/', 'In the metadata.'),
  idpContactCompany: option.string('saml', 'idp_contact_company', 'Example, Inc.', 'In the metadata.'),
  idpContactName: option.string('saml', 'idp_contact_name', 'SAML Identity Provider Support', 'In the metadata.'),
  idpContactSurname: option.string('saml', 'idp_contact_surname', 'Support', 'In the metadata.'),
  idpContactEmail: option.string('saml', 'idp_contact_email', 'support@example.com', 'In the metadata.'),
  idpContactTelephone: option.string('saml', 'idp_contact_telephone', '+1 800 555 0100', 'In the metadata.'),
  idpContactType: option.string('saml', 'idp_contact_type', 'other', 'In the metadata.', {
    choices: ['technical', 'support', 'administrative', 'billing', 'other'],
  }),
  idpMetadataPath: option.string(
    'saml',
    'idp_metadata_path',
    '/etc/keystone/saml2_idp_metadata.xml',
    'File that saml_idp_metadata was written to.',
  ),
  relayStatePrefix: option.string('saml', 'relay_state_prefix', 'ss:mem:', 'Begin of the RelayState of assertions.'),
  requestTokenDuration: option.integer(
    'oauth1',
    'request_token_duration',
    28_800,
    'Seconds in which a request token must be authorized; 0 for ever.',
    { min: 0 },
  ),
  accessTokenDuration: option.integer(
    'oauth1',
    'access_token_duration',
    86_400,
    'Seconds that an access token can be used; 0 for ever.',
    { min: 0 },
  ),
  oauth2Methods: option.list(
    'oauth2',
    'oauth2_authn_methods',
    ['tls_client_auth', 'client_secret_basic'],
    'Ways in which a client may prove itself at /v3/OS-OAUTH2/token.',
  ),
  oauth2MappingId: option.string(
    'oauth2',
    'oauth2_cert_dn_mapping_id',
    'oauth2_mapping',
    'Mapping that a client certificate is checked with.',
  ),
  clientCertificateHeader: option.string(
    'oauth2',
    'client_certificate_header',
    'ssl-client-cert',
    'Header in which a trusted proxy passes the certificate of a client (PEM, URL-encoded or with tabs for line ends).',
  ),
}
