"""
Names of the options that OpenStack's services have or had, from clones of their repositories: the files of
src/platform/config/upstream. Usage: python3 tools/option-names.py CLONES OUT, where CLONES has a folder for each
repository (nova, neutron, keystone, glance, placement, oslo.db, ...) with its history and its tags.

Read are the sources of each release, by their syntax tree: calls of cfg.…Opt, where they are registered, and the names
that an option had before. What cannot be told for certain counts as known in every section that its file names: a name
too many is harmless, one too few makes a deployment fail. Names and sections are facts; nothing else is taken.
"""

import ast
import concurrent.futures
import functools
import io
import os
import re
import subprocess
import sys
import tarfile
import warnings

SERVICES = ['keystone', 'glance', 'placement', 'nova', 'neutron']
LIBRARIES = [
    'castellan', 'glance_store', 'keystonemiddleware', 'oslo.cache', 'oslo.concurrency', 'oslo.db', 'oslo.limit', 'oslo.log',
    'oslo.messaging', 'oslo.middleware', 'oslo.policy', 'oslo.privsep', 'oslo.reports', 'oslo.service',
    'oslo.versionedobjects', 'osprofiler',
]
RELEASES = (
    'icehouse juno kilo liberty mitaka newton ocata pike queens rocky stein train ussuri victoria wallaby xena yoga zed '
    '2023.1 2023.2 2024.1 2024.2 2025.1 2025.2 2026.1'
).split()
# Options that keystoneauth's plug-ins and sessions read, and the sections that load them.
AUTH = (
    'auth_type auth_section auth_plugin auth_url username user-name user_name user_id password user_domain_id user_domain_name '
    'project_id project_name project_domain_id project_domain_name tenant_id tenant_name domain_id domain_name '
    'default_domain_id default_domain_name trust_id system_scope passcode token endpoint access_token protocol '
    'identity_provider application_credential_id application_credential_name application_credential_secret '
    'discovery_endpoint access_token_endpoint access_token_type client_id client_secret openid_scope code redirect_uri '
    'cafile certfile keyfile insecure timeout collect_timing split_loggers service_type service_name interface '
    'valid_interfaces region_name endpoint_override version min_version max_version connect_retries connect_retry_delay '
    'status_code_retries status_code_retry_delay retriable_status_codes endpoint_id'
).split()
AUTH_SECTIONS = {
    'nova': 'barbican barbican_service_user cinder cyborg glance ironic keystone keystone_authtoken manila neutron oslo_limit '
            'placement service_user vendordata_dynamic_auth',
    'neutron': 'designate ironic keystone_authtoken nova oslo_limit placement',
    'glance': 'keystone_authtoken oslo_limit service_user',
    'placement': 'keystone_authtoken',
    'keystone': 'keystone_authtoken',
}


def sources(repository, ref):
    """The Python files of a tree, by name."""
    archive = subprocess.run(['git', '-C', repository, 'archive', ref], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith('.py') and not re.search(r'(^|/)(tests?|doc|tools)/', member.name):
                yield member.name, tar.extractfile(member).read().decode('utf-8', 'replace')


def tail(node):
    """The last word of a name or of an attribute."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def text(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def argument(call, name, position):
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and len(call.args) > position else None


def is_option(node):
    return isinstance(node, ast.Call) and re.fullmatch(r'(\w*[a-z])?Opt', tail(node.func) or '') and tail(node.func) not in (
        'DeprecatedOpt', 'SubCommandOpt') and argument(node, 'name', 0) is not None


@functools.lru_cache(maxsize=None)
def parse(code):
    """The syntax tree of a file, also of one of Python 2; None where there is none."""
    try:
        return ast.parse(code)
    except SyntaxError:
        fixed = re.sub(r'except ([\w., ()]+), (\w+):', r'except \1 as \2:', code)
        fixed = re.sub(r'\b0(\d+)\b', r'0o\1', re.sub(r'^(\s*)print (.*)$', r'\1pass', fixed, flags=re.M))
        try:
            return ast.parse(re.sub(r'\basync\b', 'async_', fixed))
        except SyntaxError:
            return None


class Tree:
    """What one release of a repository says."""

    def __init__(self, files):
        self.modules = {}
        self.strings = {}
        self.groups = {}
        self.lists = {}
        for name, code in files:
            if 'Opt' not in code and 'GROUP' not in code.upper():
                continue
            module = parse(code)
            if module is None:
                print('cannot be read:', name, file=sys.stderr)
            else:
                self.modules[name] = module
        for name, module in self.modules.items():
            for node in ast.walk(module):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        self.assign(name, tail(target), node.value)

    def assign(self, module, name, value):
        group = text(value)
        if isinstance(value, ast.Call) and tail(value.func) == 'OptGroup':
            given = argument(value, 'name', 0)
            group = text(given) or self.strings.get((module, tail(given))) or self.strings.get(tail(given))
            self.groups.setdefault(module, set()).add(group)
        if ast.unparse(value).startswith('__name__.split'):  # keystone names its groups by their modules
            group = module.split('/')[-1][: -len('.py')]
            self.groups.setdefault(module, set()).add(group)
        if name and group:
            self.strings[module, name] = group
            self.strings.setdefault(name, group)
        if name and any(is_option(each) or (tail(each) or '').lower().endswith(('opts', 'opt', 'options')) for each in ast.walk(value)):
            self.lists.setdefault((module, name), []).append(value)
            self.lists.setdefault(name, []).append(value)

    def group(self, module, node):
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return 'DEFAULT'
        if isinstance(node, ast.Call) and tail(node.func) == 'OptGroup':
            return text(argument(node, 'name', 0))
        name = tail(node)
        if name == 'name' and isinstance(node, ast.Attribute):  # group.name
            return self.group(module, node.value)
        return text(node) or self.strings.get((module, name)) or self.strings.get(name)

    def name(self, module, option):
        """The name of an option, which may be a constant; empty where it is made at run time."""
        given = argument(option, 'name', 0)
        return text(given) or self.strings.get((module, tail(given))) or ''

    def options(self, module, node, seen=()):
        """The calls that make options in an expression, following names."""
        for each in ast.walk(node):
            if is_option(each):
                yield module, each
            name = tail(each)
            if name and name not in seen and isinstance(each, (ast.Name, ast.Attribute)):
                for value in self.lists.get((module, name)) or self.lists.get(name, []):
                    yield from self.options(module, value, (*seen, name))

    def registrations(self):
        """Pairs of a section and an option."""
        placed = set()
        for name, module in self.modules.items():
            for node in ast.walk(module):
                for group, options in self.placings(name, node):
                    if group is None:
                        continue
                    for where, option in self.options(name, options):
                        placed.add(id(option))
                        yield where, group, option
        for name, module in self.modules.items():
            # Stores are registered at run time.
            usual = 'glance_store' if name.startswith('glance_store/') else 'DEFAULT'
            groups = {group for group in self.groups.get(name, ()) if group} or {usual}
            for node in ast.walk(module):
                if is_option(node) and id(node) not in placed:
                    for group in groups:
                        yield name, group, node

    def placings(self, module, node):
        """Groups with an expression of the options in them: calls that register, and lists for the generator of samples."""
        if isinstance(node, ast.Call) and re.fullmatch(r'register_(cli_)?opts?', tail(node.func) or '') and node.args:
            yield self.group(module, argument(node, 'group', 1)), node.args[0]
        is_list = (isinstance(node, ast.FunctionDef) and re.search('list.*opts', node.name)) or (
            isinstance(node, ast.Assign) and any(re.search('OPTIONS|OPTS|_opts$', tail(each) or '') for each in node.targets))
        if not is_list:
            return
        for each in ast.walk(node):
            pairs = [each.elts] if isinstance(each, ast.Tuple) and len(each.elts) == 2 else (
                zip(each.keys, each.values) if isinstance(each, ast.Dict) else [])
            for key, value in pairs:
                if key is not None and (tail(key) or text(key) or isinstance(key, ast.Constant) or isinstance(key, ast.Call)):
                    yield self.group(module, key), value

    def former(self, module, group, option):
        """Names that an option had before."""
        name, section = argument(option, 'deprecated_name', None), argument(option, 'deprecated_group', None)
        own = self.name(module, option)
        if name is not None or section is not None:
            yield self.group(module, section) if section is not None else group, text(name) if name is not None else own
        others = argument(option, 'deprecated_opts', None)
        found = [others] if others is not None else []
        if others is not None and tail(others):
            key = tail(others)
            found = [node.value for node in ast.walk(self.modules[module]) if isinstance(node, ast.Assign)
                     and any(tail(target) == key for target in node.targets)]
        for value in found:
            for each in ast.walk(value):
                if isinstance(each, ast.Call) and tail(each.func) == 'DeprecatedOpt':
                    where = argument(each, 'group', 1)
                    yield self.group(module, where) if where is not None else group, text(argument(each, 'name', 0))


def releases(repository, is_library):
    """Trees to read, newest first."""
    run = lambda *words: subprocess.run(['git', '-C', repository, *words], capture_output=True, text=True).stdout.split()
    tags, branches = set(run('tag')), {each for each in run('branch', '--format', '%(refname:short)')}
    yield 'HEAD'
    if is_library:
        numbered = [tag for tag in tags if re.fullmatch(r'\d+\.\d+\.0', tag)]
        yield from sorted(numbered, key=lambda tag: [int(part) for part in tag.split('.')], reverse=True)[::4]
        return
    for name in reversed(RELEASES):
        for ref in (f'stable/{name}', f'unmaintained/{name}', f'{name}-eom', f'{name}-eol', f'{name}-em'):
            if ref in branches or ref in tags:
                yield ref
                break


# What keystonemiddleware had by itself before it took keystoneauth's names, which no registration tells.
AUTHTOKEN_MOVED = {
    'admin_password': 'password',
    'admin_tenant_name': 'project_name',
    'admin_user': 'username',
    'auth_uri': 'www_authenticate_uri',
    'identity_uri': 'auth_url',
}


def section_of(name):
    return name if name == 'DEFAULT' else name.lower()


def collect(repository, is_library):
    """{section: {option: where it went, or ''}}; the newest release decides."""
    known = {}
    for ref in releases(repository, is_library):
        tree = Tree(sources(repository, ref))
        now = {}
        moved = {}
        for module, group, option in tree.registrations():
            own = tree.name(module, option).replace('-', '_')
            now[section_of(group), own] = ''
            for old_group, old in tree.former(module, group, option):
                if old_group and old:
                    moved[section_of(old_group), old.replace('-', '_')] = f'{section_of(group)}/{own}'
        for key, target in {**moved, **now}.items():
            if target and target != '/'.join(key):
                # A move that a newer release made already stays; a plain name of an older one becomes a moved one.
                known.setdefault(key, target)
            else:
                known.setdefault(key, '')
                if key in moved and known[key] == '' and key not in now:
                    known[key] = moved[key]
    return known


def samples(repository):
    """Options of a service that declares them nowhere but in its sample files: swift."""
    known = {}
    for kind in ['proxy-server', 'account-server', 'container-server', 'object-server', 'swift']:
        show = ['git', '-C', repository, 'show', f'HEAD:etc/{kind}.conf-sample']
        section = 'DEFAULT'
        for line in subprocess.run(show, capture_output=True, check=True, text=True).stdout.splitlines():
            if found := re.match(r'#? ?\[([\w:-]+)\]$', line):
                section = found[1]
            elif found := re.match(r'#? ?(?:set )?([a-z]\w+) ?=', line):
                known[section, found[1]] = ''
    return known


def write(file, known):
    sections = {}
    for (section, name), target in known.items():
        # What is no word of a configuration file is a command line's.
        if re.fullmatch(r'[\w.:-]+', section) and re.fullmatch(r'\w+', name):
            sections.setdefault(section, {})[name] = target
    lines = []
    for section in sorted(sections):
        lines.append(f'[{section}]')
        lines += [f'{name} > {target}' if target else name for name, target in sorted(sections[section].items())]
    with open(file, 'w', encoding='utf-8') as out:
        out.write('\n'.join(lines) + '\n')
    print(file, len(sections), 'sections', len(known), 'options', file=sys.stderr)


def main(clones, out):
    warnings.simplefilter('ignore')
    os.makedirs(out, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        run = lambda name: pool.submit(collect, os.path.join(clones, name), name in LIBRARIES)
        found = {name: run(name) for name in [*reversed(SERVICES), *LIBRARIES]}
        common = {}
        for library in LIBRARIES:
            for key, target in found[library].result().items():
                common[key] = common.get(key) or target
        common.update({('keystone_authtoken', old): f'keystone_authtoken/{new}' for old, new in AUTHTOKEN_MOVED.items()})
        write(os.path.join(out, 'libraries.txt'), common)
        for service in SERVICES:
            known = found[service].result()
            for section in AUTH_SECTIONS[service].split():
                for name in AUTH:
                    known.setdefault((section, name.replace('-', '_')), '')
            own = {key: target for key, target in known.items() if key not in common or (target and not common[key])}
            write(os.path.join(out, f'{service}.txt'), own)
        write(os.path.join(out, 'swift.txt'), samples(os.path.join(clones, 'swift')))


if __name__ == '__main__':
    main(*sys.argv[1:])
