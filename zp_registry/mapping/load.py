"""Reading mapping files: the packaged ones, overlaid by the operator's own, every fault with its file and line."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.constructor import ConstructorError, SafeConstructor

from zp_registry.errors import UsageError
from zp_registry.mapping.checks import check_mapping, check_together
from zp_registry.mapping.model import Mapping

PACKAGED = "zp_registry.mappings"
_MESSAGES = {
    "extra_forbidden": "不认识的键", "missing": "缺少必填的键", "literal_error": "取值不在允许的范围内",
    "string_type": "应为文字",
    "list_type": "应为列表", "dict_type": "应为键值对", "bool_type": "应为 true 或 false", "bool_parsing": "应为 true 或 false",
    "string_pattern_mismatch": "不符合规定的写法", "too_short": "内容太少", "model_type": "应为键值对",
}


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of a mapping file: ``line`` from 1 (0: the whole file)."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Mappings:
    """All mappings by id, with the file of each."""

    by_id: dict[str, Mapping]
    files: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def __getitem__(self, mapping_id: str) -> Mapping:
        return self.by_id[mapping_id]

    def platforms(self) -> list[str]:
        """Platform ids of all report mappings."""
        return sorted({m.platform_id for m in self if m.kind == "report"})


@dataclass
class _Parsed:
    name: str
    mapping: Mapping | None
    lines: _Lines
    problems: list[Problem]


def load_mappings(*folders: Path) -> Mappings:
    """The packaged mappings; one of an operator's folder with the same id replaces it, later folders win.

    Raises UsageError with every fault of every file (``file:line: message``), or if a folder does not exist.
    """
    parsed = [_parse(name, text) for name, text in _packaged()]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"no such folder of mappings: {folder}")
        parsed += [_parse(str(folder / name), text) for name, text in _texts(folder)]
    problems = [p for one in parsed for p in one.problems]
    chosen = {one.mapping.id: one for one in parsed if one.mapping is not None}
    if not problems:
        problems = _together(list(chosen.values()))
    if problems:
        raise UsageError("mappings are faulty:\n" + "\n".join(map(str, sorted(problems))))
    return Mappings({i: one.mapping for i, one in chosen.items() if one.mapping}, {i: one.name for i, one in chosen.items()})


def lint(folder: Path | None = None) -> list[Problem]:
    """All faults of all mapping files of a folder (none: the packaged ones), and of the files among each other, in order."""
    texts = _packaged() if folder is None else _texts(folder)
    parsed = [_parse(name, text) for name, text in texts]
    problems = [p for one in parsed for p in one.problems]
    seen: dict[str, str] = {}
    for one in parsed:
        if one.mapping is None:
            continue
        if one.mapping.id in seen:
            problems.append(Problem(one.name, one.lines.at(("id",)), f"id {one.mapping.id} 与 {seen[one.mapping.id]} 重复"))
        seen.setdefault(one.mapping.id, one.name)
    return sorted({*problems, *_together(parsed)})


def _texts(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_text(encoding="utf-8-sig")) for path in sorted(folder.glob("*.yaml"))]


def _packaged() -> list[tuple[str, str]]:
    root = importlib.resources.files(PACKAGED)
    found = [item for item in root.iterdir() if item.name.endswith(".yaml")]
    return sorted((item.name, item.read_text(encoding="utf-8")) for item in found)


def _together(parsed: list[_Parsed]) -> list[Problem]:
    good = [one for one in parsed if one.mapping is not None]
    out = []
    for i, j, message in check_together([one.mapping for one in good if one.mapping is not None]):
        out += [Problem(good[k].name, good[k].lines.at(("id",)), message) for k in (i, j)]
    return out


def _parse(name: str, text: str) -> _Parsed:
    lines = _Lines()
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = lines.read(node) if node is not None else None
    except RecursionError:
        return _Parsed(name, None, lines, [Problem(name, 0, "YAML 格式错误：嵌套过深")])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "YAML 格式错误"
        return _Parsed(name, None, lines, [Problem(name, mark.line + 1 if mark else 0, f"YAML 格式错误：{what}")])
    problems = [Problem(name, line, f"键 {key} 重复") for line, key in lines.repeated]
    if not isinstance(data, dict):
        return _Parsed(name, None, lines, [Problem(name, 1, "应为键值对")])
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        for e in error.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(str(p) for p in e["loc"])
            problems.append(Problem(name, lines.at(e["loc"]), f"{where}：{_MESSAGES.get(e['type'], e['msg'])}"))
        return _Parsed(name, None, lines, problems)
    problems += [Problem(name, lines.at(path), message) for path, message in check_mapping(mapping, Path(name).stem)]
    return _Parsed(name, mapping, lines, problems)


_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # every command reads all mappings


class _Loader(_Fastest):  # type: ignore[misc]
    """YAML 1.1 without its surprises: only ``true`` and ``false`` are truth values, dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in pairs if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _word in ("true", "false"):
    _Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), [_word[0]])


class _Lines:
    """Plain data out of YAML nodes, with the line of every key and item."""

    def __init__(self) -> None:
        self._lines: dict[tuple[Any, ...], int] = {(): 1}
        self.repeated: list[tuple[int, str]] = []

    def read(self, node: yaml.Node, path: tuple[Any, ...] = ()) -> Any:
        """The data of a node."""
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            out: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                if not isinstance(key_node, yaml.ScalarNode):
                    raise ConstructorError(None, None, "键应为文字", key_node.start_mark)
                key, line = self._scalar(key_node), key_node.start_mark.line + 1
                if key in out:
                    self.repeated.append((line, str(key)))
                self._lines[(*path, key)] = line
                out[key] = self.read(value_node, (*path, key))
            return out
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def at(self, path: tuple[Any, ...]) -> int:
        """The line of the nearest known ancestor of a path (pydantic's paths hold type names too, which no key has)."""
        known = tuple(path)
        while known not in self._lines:
            known = known[:-1]
        return self._lines[known]

    @staticmethod
    def _scalar(node: yaml.Node) -> Any:
        try:
            return SafeConstructor().construct_object(node, deep=True)
        except ValueError:
            raise ConstructorError(None, None, "数字或日期的写法不对", node.start_mark) from None
