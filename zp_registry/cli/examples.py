"""One example for each command, shown at the end of its ``--help`` and in docs/commands.md. A test plays each."""

from __future__ import annotations

from collections.abc import Iterator

import click

from zp_registry.cli.common import Main

_TEXT = """\
init
import inbox/reports --as-of 2026-08-31
pledges import 承诺书台账_石佛寺镇.xlsx
pledges review
pledges assign 17 E00000001 --reason "负责人电话核实"
pledges withdraw 17 --reason "记错了行"
pledges parties
pull kuaishou
pull --check
mappings check mappings
rehearse kuaishou=kuaishou_20260930.csv --output rehearsal
resolve --full
resolve train --seed 1
resolve models
resolve use 2
flag --as-of 2026-08-31
nightly
demo --samples sample_data
followups --by platform
followups notices --by town
followups import 催签清单_石佛寺镇.xlsx
rejects export --output 待更正.xlsx
rejects import 待更正.xlsx
review list --family TRANSFER
review show E00000001:E00000002
review decide F00000001 dismissed --reason "平台批准的主体变更"
review undo F00000001 --reason "误操作"
review export pairs.csv
review import pairs.csv
review form
review import-form 疑似重复主体核对表.xlsx
case list --overdue
case show C00000001 --docx C00000001.docx
case assign C00000001 wangfang
case attach C00000001 档案2026-031 -m "现场照片"
case note C00000001 -m "电话无人接听"
case visit C00000001 -m "店内有人，出示了执照"
case confirm C00000001 -m "账号已卖给他人，有合同"
case dismiss C00000001 -m "夫妻共用收款账户"
case hand-over C00000001 -m "移送公安机关"
case reopen C00000001 -m "有新的举报"
case pair add E00000001 E00000002 -m "夫妻" --until 2027-12-31
case pair list
case pair withdraw 3 -m "已离婚"
notices import 黑名单.xlsx
tip kuaishou:kuaishou-account-1 "直播间里不是登记的人"
show E00000001
export accounts --output accounts.csv
status
runs --limit 5
evaluate truth_accounts.csv --errors errors.xlsx --picture curve.png
entity merge E00000002 E00000001 --reason "本人持身份证到场"
entity part E00000003 E00000004 --reason "两人，均已核实"
entity split E00000005 douyin:ACCOUNT_ID --reason "同名的另一人"
entity undo 7 --reason "认错人"
serve
desk user add wangfang --role clerk --town 石佛寺镇
desk user access wangfang --role investigator
desk user list
desk user disable wangfang
desk user password wangfang
desk tasks
docs --output docs
backup /backup/registry-2026-11-27
restore /backup/registry-2026-11-27
doctor --quick
keys check
keys rotate --reason "yearly"
keys master --reason "the former keeper of the key has left"
audit verify
audit show --action unmask --since 2026-11-01
unmask E00000001 --reason "协查函〔2026〕3号"
retention run --dry-run
person show E00000001 --reason "本人申请查阅"
person delete E00000001 --reason "本人申请删除"
person correct E00000001 phone "已换号" --reason "本人来电"
roles --database zp_registry
jobs list
jobs run --due
watchdog
health --html health.html
bulletin --period 2026-11-H1
bulletin --period 2026-10 --as-known-on 2026-11-05
reverify --platform kuaishou
extract market --reason "联席会议"
candidates
candidates --as-of 2026-09-30
"""
EXAMPLES = tuple(_TEXT.splitlines())


def below(command: click.Command) -> dict[str, click.Command]:
    """The commands of a group, by name; none of what is no group."""
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)  # the program itself loads its commands when asked; groups have theirs, in their order
    names = command.list_commands(context) if isinstance(command, Main) else list(command.commands)
    found = {name: command.get_command(context, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that lead to it."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command
    for name, one in below(command).items():
        yield from leaves(one, (*path, name))


def examples_of(path: tuple[str, ...], command: click.Command) -> list[str]:
    """The examples of a command; those of a command below a group are not the group's."""
    under = below(command)
    found = [line.split() for line in EXAMPLES]
    return [
        EXAMPLES[n] for n, words in enumerate(found)
        if tuple(words[: len(path)]) == path and not (len(words) > len(path) and words[len(path)] in under)
    ]  # fmt: skip


def add_examples(command: click.Command, path: tuple[str, ...]) -> None:
    """Puts each example behind the help of its command: of the one at ``path`` and of those below it."""
    for words, one in leaves(command, path):
        if found := examples_of(words, one):
            one.epilog = "Example: " + "; ".join(f"zp-registry {line}" for line in found)
