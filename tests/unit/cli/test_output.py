"""What is printed with and without a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from airflow_provider_partners.cli.output import Output, plain


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_a_terminal_gets_colours(terminal, monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal)
    Output(as_json=False).table(["state"], [[("ok", "green")]])
    assert "\x1b[32mok" in terminal.getvalue()


def test_no_color_is_honoured(terminal, monkeypatch):
    """https://no-color.org: any value that is not empty."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal)
    Output(as_json=False).table(["state"], [[("ok", "green")]])
    assert "\x1b[32m" not in terminal.getvalue()


def test_a_pipe_gets_one_line_for_each_row_and_no_frame(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    Output(as_json=False).table(["a", "b"], [["x" * 90, "y" * 90]])
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2
    assert out[1].split() == ["x" * 90, "y" * 90]


def test_text_of_a_partner_cannot_control_the_terminal_or_the_style(terminal, monkeypatch):
    """ECMA-48: ESC begins a control sequence. Square brackets are rich's markup."""
    monkeypatch.setattr(sys, "stdout", terminal)
    Output(as_json=False).text("a\x1b[2Jb [bold]c[/bold] \x07")
    assert terminal.getvalue() == "a�[2Jb [bold]c[/bold] �\n"


def test_plain_keeps_every_letter():
    assert plain("José\t東京\n") == "José 東京\n"


def test_json_keeps_letters_and_is_all_there_is(capsys):
    Output(as_json=True).document({"name": "José"})
    assert capsys.readouterr().out == '{\n  "name": "José"\n}\n'


def test_progress_is_silent_without_a_terminal(capsys):
    with Output(as_json=False).progress("Reading", 2) as advance:
        advance()
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


def test_progress_goes_to_standard_error_on_a_terminal(monkeypatch, capsys):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    with Output(as_json=True).progress("Reading", 2) as advance:
        advance()
    assert "Reading" in stream.getvalue()
    assert capsys.readouterr().out == ""
