"""
Former names of policy rules, from clones of OpenStack's repositories: src/platform/auth/renamed-rules.txt.
Usage: python3 tools/rule-names.py CLONES OUT, with the CLONES of tools/option-names.py.

Read are the rules that are declared with a deprecated one of another name, in all releases since rules are code.
"""

import ast
import importlib.util
import os
import sys
import warnings

spec = importlib.util.spec_from_file_location('option_names', os.path.join(os.path.dirname(__file__), 'option-names.py'))
option_names = importlib.util.module_from_spec(spec)
spec.loader.exec_module(option_names)
tail, argument = option_names.tail, option_names.argument


class Module:
    """The names and texts of one file, with those of the files beside it."""

    def __init__(self, tree, others):
        self.values = dict(others)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.values[target.id] = node.value

    def text(self, node, depth=0):
        if node is None or depth > 5:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.text(self.values.get(tail(node)), depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            left, right = self.text(node.left, depth + 1), self.text(node.right, depth + 1)
            return left % right if left and right and left.count('%s') == 1 else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, depth + 1), self.text(node.right, depth + 1)
            return left + right if left and right else None
        if isinstance(node, ast.JoinedStr):
            parts = [self.text(each.value if isinstance(each, ast.FormattedValue) else each, depth + 1) for each in node.values]
            return ''.join(parts) if all(parts) else None
        return None


def collect(repository, found):
    for ref in option_names.releases(repository, False):
        files = [(name, code) for name, code in option_names.sources(repository, ref) if '/policies/' in name or '/policy' in name]
        trees = [(name, option_names.parse(code)) for name, code in files]
        base = {}
        for name, tree in trees:
            if tree is not None and name.endswith('policies/base.py'):
                base.update(Module(tree, {}).values)
        for name, tree in trees:
            if tree is None:
                continue
            module = Module(tree, base)
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call) or not (tail(node.func) or '').endswith('RuleDefault'):
                    continue
                deprecated = argument(node, 'deprecated_rule', None)
                if isinstance(deprecated, (ast.Name, ast.Attribute)):
                    deprecated = module.values.get(tail(deprecated))
                if not isinstance(deprecated, ast.Call):
                    continue
                now, old = module.text(argument(node, 'name', 0)), module.text(argument(deprecated, 'name', 0))
                if now and old and now != old and ' ' not in now + old and not old.startswith('rule:'):
                    names = found.setdefault(now, [])
                    if old not in names:
                        names.append(old)


def main(clones, out):
    warnings.simplefilter('ignore')
    found = {}
    for service in option_names.SERVICES:
        collect(os.path.join(clones, service), found)
    with open(out, 'w', encoding='utf-8') as file:
        file.write('# rule < its former names\n')
        file.writelines(f'{name} < {" ".join(names)}\n' for name, names in sorted(found.items()))
    print(out, len(found), 'rules', file=sys.stderr)


if __name__ == '__main__':
    main(*sys.argv[1:])
