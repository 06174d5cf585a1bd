"""`outputs list` says what is configured, and that nothing is."""

from click.testing import CliRunner

from collector_core.cli.group import cli


def test_the_configured_outputs_are_listed_or_it_says_that_there_are_none(tmp_path):
    file = tmp_path / "config.yaml"
    for text, listed, said in (
        ("{}", "", "no output is configured; add one below `outputs:`\n"),
        ("outputs: {csv: {interval: 5s, options: {directory: rows}}}", "csv: output csv, every 5 s\n", ""),
    ):
        file.write_text(text)
        done = CliRunner().invoke(cli, ["outputs", "list", "--config", str(file)])
        assert (done.exit_code, done.stdout, done.stderr) == (0, listed, said)
