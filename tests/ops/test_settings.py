"""Settings: files, variables, and mistakes that are told with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from zp_registry.errors import UsageError
from zp_registry.settings import Settings, load_settings, settings_reference


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "zp-registry.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(environ={})
    assert settings.home == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/db/registry.sqlite"
    assert (settings.county.code, settings.county.name, settings.pledges.validity_years) == ("411324", "镇平县", 2)


def test_the_file_in_the_working_folder_is_read(tmp_path: Path) -> None:
    write('mappings_dir = "own"\n[towns."石佛寺镇"]\nresponsible = "王网格"\n[pledges]\nexempt = ["E1", "E2"]\n'
          '[api.somewhere]\nbase_url = "https://x.example/"\ntoken_env = "TOKEN"\n')
    settings = load_settings(environ={})
    assert settings.towns["石佛寺镇"].responsible == "王网格"
    assert settings.pledges.exempt == ("E1", "E2")
    assert settings.mappings_dir == tmp_path / "own"
    assert settings.api["somewhere"].enabled


def test_paths_in_a_named_file_start_at_its_folder(tmp_path: Path) -> None:
    write('home = "data"\n[logs]\nfile = "a.log"\n[api.x]\nbase_url = "https://x"\ntoken_file = "t"\n', "etc/own.toml")
    settings = load_settings(environ={"ZP_CONFIG": "etc/own.toml"})
    assert settings.home == tmp_path / "etc" / "data"
    assert settings.logs.file == tmp_path / "etc" / "a.log"
    assert settings.api["x"].token_file == tmp_path / "etc" / "t"
    assert str(settings.home) in settings.database_url


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"there is no file nowhere\.toml, which ZP_CONFIG names"):
        load_settings(environ={"ZP_CONFIG": "nowhere.toml"})


def test_variables_beat_the_file_and_the_option_beats_both(tmp_path: Path) -> None:
    write('home = "f"\n[pledges]\nvalidity_years = 1\nexempt = ["a"]\n')
    settings = load_settings(environ={
        "ZP_HOME": "v", "ZP_PLEDGES__VALIDITY_YEARS": "3", "ZP_PLEDGES__EXEMPT": "E1, E2",
        "ZP_TOWNS__石佛寺镇__RESPONSIBLE": "李", "ZP_PLEDGES__OUTDATED_VERSIONS": '["1"]',
        "ZP_API__DOUBLE_U__BASE_URL": "https://w", "ZP_API__DOUBLE_U__ENABLED": "false"})
    assert settings.home == tmp_path / "v"
    assert settings.pledges.validity_years == 3
    assert settings.pledges.exempt == ("E1", "E2")
    assert settings.pledges.outdated_versions == ("1",)
    assert settings.towns["石佛寺镇"].responsible == "李"
    assert not settings.api["double_u"].enabled
    assert load_settings(tmp_path / "o", {"ZP_HOME": "v"}).home == tmp_path / "o"


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    write("[pledges]\nvalidity_years = 1\n")
    settings = load_settings(environ={"ZP_PLEDGES__VALIDITY_YEARS": "", "ZP_HOME": "", "ZP_CONFIG": ""})
    assert settings.pledges.validity_years == 1
    assert settings.home == tmp_path / "var"


@pytest.mark.parametrize(("text", "places"), [
    ("\n[pledges]\n# years\nvalidty_years = 2\n", ["zp-registry.toml line 4: pledges.validty_years: unknown key",
                                                   "did you mean validity_years?"]),
    ("[pledge]\nvalidity_years = 2\n", ["zp-registry.toml line 1: pledge: unknown key", "did you mean pledges?"]),
    ("pledges.validity_year = 2\n", ["line 1: pledges.validity_year", "did you mean validity_years?"]),
    ('[towns."石佛寺镇"]\nresponsable = "x"\n', ["line 2: towns.石佛寺镇.responsable: unknown key; did you mean responsible?"]),
    ('[api.x]\nbase_url = "https://x"\ntoken_evn = "T"\n', ["line 3: api.x.token_evn", "did you mean token_env?"]),
    ("[pledges]\nvalidity_years = 'two'\n", ["line 2: pledges.validity_years: input should be a valid integer"]),
    ("[pledges]\nvalidity_years = 0\n[quarantine]\nmax_rejected_share = 1.5\n",
     ["line 2: pledges.validity_years: input should be greater",
      "line 4: quarantine.max_rejected_share: input should be less"]),
    ('[api.x]\nbase_url = "http://x.example"\n', ["line 2: api.x.base_url", "must begin with https://"]),
    ("[api.x]\nenabled = true\n", ["line 1: api.x.base_url: field required"]),
    ("[pledges\n", ["is not valid TOML", "line 1"]),
])
def test_mistakes_name_line_key_and_nearest_known_key(text: str, places: list[str]) -> None:
    write(text)
    with pytest.raises(UsageError) as error:
        load_settings(environ={})
    for place in places:
        assert place in str(error.value)


@pytest.mark.parametrize(("name", "told"), [
    ("ZP_PLEDGES__VALIDTY_YEARS", "variable ZP_PLEDGES__VALIDTY_YEARS: pledges.validty_years: unknown key; did you mean"),
    ("ZP_PLEDGE__VALIDITY_YEARS", "did you mean ZP_PLEDGES__VALIDITY_YEARS?"),
    ("ZP_DATABSE_URL", "did you mean ZP_DATABASE_URL?"),
    ("ZP_MASTER_KEY_COMAND", "did you mean ZP_MASTER_KEY_COMMAND?"),
])
def test_a_misspelt_variable_is_an_error(name: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(environ={name: "2"})
    assert told in str(error.value)


def test_variables_of_others_are_left_alone() -> None:
    load_settings(environ={"ZP_TOKEN_SOMEWHERE": "x", "ZP_TEST_NO_SKIP": "1", "ZPOOL": "1", "ZP_MASTER_KEY": "x"})


def test_errors_never_show_a_value() -> None:
    names = ("ZP_PLEDGES__VALIDITY_YEARS", "ZP_DATABASE_URL__X", "ZP_LOGS__LEVEL")
    with pytest.raises(UsageError) as error:
        load_settings(environ=dict.fromkeys(names, "geheim"))
    assert "geheim" not in str(error.value)


def test_settings_are_frozen_and_hide_the_database_password() -> None:
    settings = load_settings(environ={"ZP_DATABASE_URL": "postgresql+psycopg://zp:geheim@localhost/zp"})
    assert "geheim" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.home = Path("/")


def test_the_reference_names_every_setting_with_a_description() -> None:
    text = settings_reference()
    for name in Settings.model_fields:
        assert f"`ZP_{name.upper()}" in text or name == "resolve"
    assert "| None |" not in text
