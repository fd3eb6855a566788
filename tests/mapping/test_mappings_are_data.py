"""A platform is a file: added, overlaid, checked, and nothing else in the code knows one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mapping_files import KUAISHOU, mapped, row, text_csv, xlsx

from zp_registry.errors import UsageError
from zp_registry.mapping import Mappings, lint, load_mappings
from zp_registry.mapping.schema import schema_text

ROOT = Path(__file__).parents[2]

TENTH = """\
# yaml-language-server: $schema=schema.json
id: yuchuan
title: 玉传
names: [玉传]
columns:
  - {header: 序号, ignore: true}
  - {header: 用户编号, field: account_id, required: true}
  - {header: 真名, field: subject_name, required: true}
  - {header: 证件, field: id_number, required: true}
  - {header: 主体, field: subject_kind, lookup: kind}
  - {header: 出镜人, field: streamer.name, split: true}
sheets: [{part: main, record: account}]
lookups: {kind: {甲类: natural_person, 1: enterprise}}
constants: {account_kind: live}
"""


def test_a_tenth_platform_needs_only_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "yuchuan.yaml").write_text(TENTH, encoding="utf-8")
    assert lint(own) == []
    mappings = load_mappings(own)
    assert len(mappings) == len(load_mappings()) + 1
    path = xlsx(tmp_path / "七月.xlsx",
                {"任意": [["说明"], ["序号", "真名", "用户编号", "证件", "主体", "出镜人"], [1, "某", "u1", "x", 1, "甲/乙"]]})
    report = mapped(path, mappings, as_of="2024-03-31")
    one = report.frame.iloc[0]
    assert (one["platform"], one["account_id"], one["subject_kind"], one["account_kind"]) == ("yuchuan", "u1", "enterprise",
                                                            "live")
    assert report.streamers["name"].tolist() == ["甲", "乙"]


def test_an_operators_file_replaces_the_packaged_one(tmp_path: Path) -> None:
    text = (ROOT / "mappings" / "kuaishou.yaml").read_text(encoding="utf-8")
    (tmp_path / "kuaishou.yaml").write_text(text.replace("header: 快手ID, ", "header: 快手编号, "), encoding="utf-8")
    mappings = load_mappings(tmp_path)
    header = ["快手编号" if h == "快手ID" else h for h in KUAISHOU]
    report = mapped(text_csv(tmp_path / "kuaishou_20240331.csv", [header, row(KUAISHOU, 快手ID="5", 实名姓名="某")]), mappings)
    assert report.frame["account_id"].tolist() == ["5"]
    assert len(mappings) == len(load_mappings())


def test_two_versions_of_one_layout_by_date(tmp_path: Path) -> None:
    old, new = TENTH.replace("id: yuchuan",
                             "id: yuchuan_old\nplatform: yuchuan\nvalid_to: 2023-12-31"), TENTH + "valid_from: 2024-01-01\n"
    (tmp_path / "yuchuan_old.yaml").write_text(old, encoding="utf-8")
    (tmp_path / "yuchuan.yaml").write_text(new, encoding="utf-8")
    mappings = load_mappings(tmp_path)
    rows = [["用户编号", "真名", "证件"], ["u1", "某", "x"]]
    assert mapped(text_csv(tmp_path / "玉传_20230630.csv", rows), mappings).mapping.id == "yuchuan_old"
    report = mapped(text_csv(tmp_path / "玉传_20240630.csv", rows), mappings)
    assert (report.mapping.id, report.frame.loc[0, "platform"]) == ("yuchuan", "yuchuan")


@pytest.mark.parametrize(("change", "line", "message"), [
    (("title: 玉传", "titel: 玉传"), 3, "titel：不认识的键"),
    (("field: id_number, required", "field: id_nummer, required"), 9, "没有字段 id_nummer"),
    (("header: 证件,", "header: 真名,"), 9, "写法重复"),
    (("{header: 证件,", "{header: 证件, aliases: [用户编号],"), 9, "写法重复"),
    (("constants:", "skip_rows: ['(']\nconstants:"), 14, "正则表达式有误"),
    (("constants:", "account_id_pattern: '(?=x)'\nconstants:"), 14, "正则表达式有误"),
    (("甲类: natural_person", "甲类: person"), 13, "person 不是 subject_kind 的取值"),
    (("lookup: kind", "lookup: kinds"), 10, "lookups 中没有 kinds"),
    (("account_kind: live", "account_kind: film"), 14, "film 不是 account_kind 的取值"),
    (("field: account_id, required: true", "field: account_handle, required: true"), 12, "缺少字段 account_id"),
    (("id: yuchuan", "id: other"), 2, "id 应与文件名相同"),
    (("title: 玉传", "title: 玉传\ntitle: 玉"), 4, "键 title 重复"),
    (("constants:", "rules: [{move: {_x: subject_name}}]\nconstants:"), 14, "规则用到 _x"),
    (("constants:", "rules: [{when: {uscc: empty}}]\nconstants:"), 14, "规则什么也不做"),
    (("field: subject_kind,", "field: subject_kind, split: true,"), 10, "split 只用于"),
    (("sheets: [", "sheets: {"), 12, "YAML 格式错误"),
])
def test_lint_names_the_line(tmp_path: Path, change: tuple[str, str], line: int, message: str) -> None:
    text = TENTH.replace(*change)
    assert text != TENTH
    (tmp_path / "yuchuan.yaml").write_text(text, encoding="utf-8")
    problems = lint(tmp_path)
    assert any(p.line == line and message in p.message for p in problems), problems
    with pytest.raises(UsageError, match=r"yuchuan\.yaml:\d+"):
        load_mappings(tmp_path)


def test_lint_finds_all_faults_at_once(tmp_path: Path) -> None:
    text = TENTH.replace("field: id_number", "field: id_nummer").replace("lookup: kind", "lookup: kinds").replace("live",
                                                            "film")
    (tmp_path / "yuchuan.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("id: b\ntitle: 乙\nkind: x\nfoo: 1\n", encoding="utf-8")
    assert [(p.file, p.line) for p in lint(tmp_path)] == [("b.yaml", 3), ("b.yaml", 4), ("yuchuan.yaml", 9),
                                                          ("yuchuan.yaml", 10),
                                                          ("yuchuan.yaml", 14)]


def test_two_layouts_that_cannot_be_told_apart(tmp_path: Path) -> None:
    (tmp_path / "yuchuan.yaml").write_text(TENTH, encoding="utf-8")
    (tmp_path / "twin.yaml").write_text(TENTH.replace("id: yuchuan", "id: twin"), encoding="utf-8")
    assert [(p.file, p.line) for p in lint(tmp_path)] == [("twin.yaml", 2), ("yuchuan.yaml", 2)]


def test_packaged_mappings_are_clean_and_say_where_their_schema_is() -> None:
    assert lint(ROOT / "mappings") == lint() == []
    for path in (ROOT / "mappings").glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json\n"), path.name


def test_the_schema_file_is_current() -> None:
    assert (ROOT / "mappings" / "schema.json").read_text(encoding="utf-8") == schema_text()


def test_no_platform_is_named_in_the_code() -> None:
    mappings: Mappings = load_mappings()
    words = {m.platform_id for m in mappings if m.kind == "report"} | {m.title for m in mappings if m.kind == "report"}
    pattern = re.compile(r"(?<![A-Za-z])(?:" + "|".join(map(re.escape, sorted(words))) + r")(?![A-Za-z])")
    named = [p.name for p in (ROOT / "zp_registry" / "mapping").glob("*.py") if pattern.search(p.read_text(encoding="utf-8"))]
    assert named == []


def test_the_example_of_the_manual_is_a_clean_mapping(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8"), re.S)
    assert found
    (tmp_path / "yuchuan.yaml").write_text(found[1], encoding="utf-8")
    assert lint(tmp_path) == []
