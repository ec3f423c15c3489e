"""Weave the second wall into a program: what it does to a value goes through a guard.

Attributes, calls, operators, items, loops, texts: each becomes a call of a function whose name has
a space, which no program can write. What cannot be woven is refused, whatever the language says.
"""

import ast
from typing import NoReturn, TypeVar

from explainers.scratchpad import language, offered
from explainers.scratchpad.refusals import Refused

ATTRIBUTE = "guard attribute"
TARGET = "guard target"
CALL = "guard call"
BINARY = "guard operator"
INPLACE = "guard in place"
INPLACE_ITEM = "guard item in place"
INPLACE_ATTRIBUTE = "guard attribute in place"
COMPARED = "guard compared"
ITEM = "guard item"
SLICE = "guard slice"
STORE = "guard store"
KEY = "guard key"
SAID = "guard said"
TEXT = "guard text"
SPREAD = "guard spread"
TICK = "guard tick"
SECOND = "guard second"
TURNS = "guard turns"
CONTEXT = "guard context"
SUPER = "guard super"
IMPORT = "guard import"
HASHED = "guard hashed"
DELETE = "guard delete"
NAMED = "guard named"
SPREAD_NAMED = "guard spread named"
STATIC = "guard static"

_Woven = TypeVar("_Woven", bound=ast.AST)
_AS_THEY_ARE = (
    ast.Module, ast.Expr, ast.Assign, ast.If, ast.Return, ast.Pass, ast.Break, ast.Continue,
    ast.Constant, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.arguments, ast.arg,
    ast.keyword, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.withitem,
)  # fmt: skip


def woven(tree: ast.Module) -> ast.Module:
    """Return a program whose every step on a value goes through the guard.

    Raises:
        Refused: It has what cannot be woven.
    """
    return _Weaver().visit(tree)  # type: ignore[no-any-return]


def _guard(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _at(new: _Woven, old: ast.AST) -> _Woven:
    for node in ast.walk(new):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            ast.copy_location(node, old)
    return new


def _refuse(piece: str) -> NoReturn:
    raise Refused(piece, "the scratchpad's language has it not")


class _Weaver(ast.NodeTransformer):
    """Rewrite a tree from the leaves up. A node that no method names is refused."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._in_class = ""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _AS_THEY_ARE):
            _refuse(type(node).__name__)
        return super().generic_visit(node)

    def _inside(self, node: _Woven) -> _Woven:
        super().generic_visit(node)
        return node

    # -- names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        _check_name(node.id, bound=not isinstance(node.ctx, ast.Load))
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        _check_name(node.arg, bound=True)
        node.annotation = None
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if language.is_name_of_type(node):
            return _at(_guard(NAMED, self.visit(node.value)), node)
        self._inside(node)
        name = ast.Constant(node.attr)
        if isinstance(node.ctx, ast.Load):
            return _at(_guard(ATTRIBUTE, node.value, name), node)
        if isinstance(node.ctx, ast.Del):
            _refuse("del of an attribute")
        node.value = _at(_guard(TARGET, node.value, name), node)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self._inside(node)
        if node.arg is None:
            node.value = _at(_guard(SPREAD_NAMED, node.value), node.value)
        return node

    # -- calls and operators

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if language.is_super(node):
            if not (self._in_class == language.MODULE and self._first and self._first[-1]):
                _refuse("super() outside of a class")
            return _at(_guard(SUPER, ast.Name(self._first[-1], ast.Load())), node)
        self._inside(node)
        return _at(
            ast.Call(ast.Name(CALL, ast.Load()), [node.func, *node.args], node.keywords), node
        )

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self._inside(node)
        if isinstance(node.ctx, ast.Load):
            node.value = _at(_guard(SPREAD, node.value), node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self._inside(node)
        return _at(_guard(BINARY, _operator(node.op), node.left, node.right), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self._inside(node)
        if not all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            node.left = _at(_guard(COMPARED, node.left), node.left)
            node.comparators = [_at(_guard(COMPARED, one), one) for one in node.comparators]
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        kind, value = _operator(node.op), self.visit(node.value)
        match node.target:
            case ast.Name(id=name):
                self.visit(node.target)
                read = ast.Name(name, ast.Load())
                new: ast.stmt = ast.Assign([node.target], _guard(INPLACE, kind, read, value))
            case ast.Subscript(value=held, slice=key):
                held, key = self.visit(held), self.visit(key)
                new = ast.Expr(_guard(INPLACE_ITEM, kind, held, key, value))
            case ast.Attribute(value=held, attr=name):
                held = self.visit(held)
                call = _guard(INPLACE_ATTRIBUTE, kind, held, ast.Constant(name), value)
                new = ast.Expr(call)
            case _:
                _refuse("this in place")
        return _at(new, node)

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            held, key = map(self.visit, (node.targets[0].value, node.targets[0].slice))
            return _at(ast.Expr(_guard(DELETE, held, key)), node)
        if not all(isinstance(target, ast.Name) for target in node.targets):
            _refuse("del of what is no name")
        return self._inside(node)

    # -- items

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self._inside(node)
        if isinstance(node.ctx, ast.Load):
            return _at(_guard(ITEM, node.value, node.slice), node)
        if isinstance(node.ctx, ast.Del):
            _refuse("del of an item")
        node.value = _at(_guard(STORE, node.value), node)
        node.slice = _at(_guard(KEY, node.slice), node)
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        self._inside(node)
        parts = [part or ast.Constant(None) for part in (node.lower, node.upper, node.step)]
        return _at(_guard(SLICE, *parts), node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        if any(key is None for key in node.keys):
            _refuse("**")
        self._inside(node)
        node.keys = [_at(_guard(HASHED, key), key) for key in node.keys if key is not None]
        return node

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self._inside(node)
        node.elts = [
            one if isinstance(one, ast.Starred) else _at(_guard(HASHED, one), one)
            for one in node.elts
        ]
        if any(isinstance(one, ast.Starred) for one in node.elts):
            _refuse("* in a set")
        return node

    def visit_List(self, node: ast.List) -> ast.AST:
        return self._inside(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return self._inside(node)

    # -- texts

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                specs = getattr(part.format_spec, "values", [])
                spec = "".join(str(getattr(one, "value", "")) for one in specs)
                plain = all(isinstance(one, ast.Constant) for one in specs)
                if not plain or not offered.FORMAT.fullmatch(spec):
                    _refuse("such a format")
                asked = ast.Constant(spec), ast.Constant(part.conversion)
                part.value = _guard(SAID, self.visit(part.value), *asked)
                part.format_spec, part.conversion = None, -1
            elif not isinstance(part, ast.Constant):
                _refuse("such a text")
        return _at(_guard(TEXT, node), node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self._inside(node)
        if node.msg is not None:
            said = _guard(SAID, node.msg, ast.Constant(""), ast.Constant(-1))
            node.msg = _at(said, node.msg)
        return node

    # -- loops

    def visit_For(self, node: ast.For) -> ast.AST:
        self._inside(node)
        node.iter = _at(_guard(TURNS, node.iter), node.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self._inside(node)
        node.test = _at(_guard(SECOND, _guard(TICK), node.test), node.test)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            _refuse("async")
        self._inside(node)
        node.iter = _at(_guard(TURNS, node.iter), node.iter)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._inside(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._inside(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self._inside(node)
        node.elt = _at(_guard(HASHED, node.elt), node.elt)
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self._inside(node)
        node.key = _at(_guard(HASHED, node.key), node.key)
        return node

    # -- functions and classes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        method = self._in_class if not self._first else ""
        static = method == language.FUNCTION and language.is_static(node)
        if node.decorator_list and not static:
            _refuse("a decorator")
        if not (method and node.name == "__init__"):
            _check_name(node.name, bound=True)
        node.decorator_list, node.returns = [], None
        self._first.append(node.args.args[0].arg if node.args.args else "")
        self._inside(node)
        self._first.pop()
        if static:
            node.decorator_list = [_at(ast.Name(STATIC, ast.Load()), node)]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._inside(node)
        node.body = _at(_guard(SECOND, _guard(TICK), node.body), node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        _check_name(node.name, bound=True)
        kind = language.kind_of(node)
        if node.decorator_list or node.keywords or self._in_class or self._first or not kind:
            _refuse("such a class")
        for inner in node.body:
            words = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
            if not isinstance(inner, ast.FunctionDef | ast.Pass) and not words:
                _refuse("this in a class")
        self._in_class = kind
        self._inside(node)
        self._in_class = ""
        return node

    # -- blocks

    def visit_With(self, node: ast.With) -> ast.AST:
        self._inside(node)
        for item in node.items:
            if item.optional_vars is not None:
                _refuse("as, with with")
            item.context_expr = _at(_guard(CONTEXT, item.context_expr), item.context_expr)
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        if node.finalbody:
            _refuse("finally")
        for handler in node.handlers:
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            for kind in kinds:
                if not isinstance(kind, ast.Name) or kind.id not in offered.EXCEPTIONS:
                    _refuse("except of such a kind")
        return self._inside(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name is not None:
            _check_name(node.name, bound=True)
        return self._inside(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return self._imported(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return self._imported(node)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        names, values = [], []
        for words in language.imports(node):
            if words not in offered.IMPORTS:
                _refuse(words)
            name, module = offered.IMPORTS[words]
            names.append(ast.Name(name, ast.Store()))
            values.append(_guard(IMPORT, ast.Constant(module)))
        if len(names) == 1:
            return _at(ast.Assign([names[0]], values[0]), node)
        pair = ast.Tuple(list[ast.expr](names), ast.Store())
        return _at(ast.Assign([pair], ast.Tuple(list[ast.expr](values), ast.Load())), node)


def _check_name(name: str, *, bound: bool = False) -> None:
    if bound and name in offered.MODULES:
        _refuse(f"{name} as a name of your own")
    if (name.startswith("_") and name != "_") or "__" in name or " " in name:
        _refuse(name)


def _operator(op: ast.operator) -> ast.Constant:
    return ast.Constant(type(op).__name__)
