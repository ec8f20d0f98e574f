from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed, Commands, MissingTool


def really_run(args, environ_update, expand_user_and_vars, data=None):
    assert expand_user_and_vars is False
    done = subprocess.run(args, env=dict(os.environ, **environ_update), input=data, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def tool(tmp_path):
    def make(name, text, mode=0o755):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(mode)
        return str(path)

    return make


def test_runs_in_the_c_locale(tool, tmp_path):
    tool("probe", 'echo "$LC_ALL $LVM_SUPPRESS_FD_WARNINGS $1"')
    assert Commands(really_run, [str(tmp_path)]).run(["probe", "$HOME"]).out == "C 1 $HOME\n"


def test_search_path_wins_over_path(tool, tmp_path, monkeypatch):
    mine = tool("ls", "echo mine")
    assert Commands(really_run, [str(tmp_path)]).find("ls") == mine
    assert Commands(really_run).find("ls") != mine
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Commands(really_run).find("ls") == mine


def test_system_directories_are_searched_without_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert Commands(really_run).find("ls") in ("/usr/bin/ls", "/bin/ls")


def test_what_cannot_be_executed_is_no_tool(tool, tmp_path):
    tool("data", "echo no", mode=0o644)
    commands = Commands(really_run, [str(tmp_path)])
    assert commands.find("data") is None
    assert commands.find(str(tmp_path / "data")) is None
    assert commands.find(str(tmp_path)) is None


def test_missing_tool_names_its_package_and_the_option():
    with pytest.raises(MissingTool, match=r"install the package e2fsprogs.*option search_path") as error:
        Commands(really_run).run(["/nowhere/resize2fs"])
    assert (error.value.tool, error.value.package) == ("/nowhere/resize2fs", "e2fsprogs")


def test_failure_says_what_the_command_said(tool):
    path = tool("probe", "echo out; echo trouble >&2; exit 5")
    with pytest.raises(CommandFailed, match=r"ended with status 5: trouble") as error:
        Commands(really_run).run([path, "-a"])
    assert error.value.command == [path, "-a"]
    assert Commands(really_run).run([path], check=False) == (5, "out\n", "trouble\n")


def test_data_is_given_to_the_command(tool):
    assert Commands(really_run).run([tool("probe", "cat")], data="hello").out == "hello"
