"""`miden run`: inputs, outputs, limits, profile, and what failures look like."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import BACKENDS, EXAMPLES, ROOT, require_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Outcome

    Cli = Callable[..., Outcome]
    Masm = Callable[..., Path]

TRAP = 'proc check\n    push.2 eq assert.err="must be two"\nend\nbegin\n    exec.check\nend\n'
ENDLESS = "begin push.1 while.true push.1 end end"


def test_human_output_names_hash_stack_cycles_time_and_rate(cli: Cli) -> None:
    outcome = cli("run", EXAMPLES / "fibonacci.masm")
    assert outcome.code == 0
    assert outcome.err == ""
    assert re.search(r"^hash    0x1481269066c62d4b[0-9a-f]{48}$", outcome.out, re.MULTILINE)
    assert re.search(r"^stack   2880067194370816120( 0){15}$", outcome.out, re.MULTILINE)
    assert re.search(r"^cycles  1,375$", outcome.out, re.MULTILINE)
    assert re.search(r"^time    [\d.]+ (s|ms|µs), [\d.e+-]+ MHz on the \w+ backend$", outcome.out, re.MULTILINE)


@pytest.mark.parametrize("backend", BACKENDS)
def test_json_has_the_facts_on_each_backend(cli: Cli, backend: str) -> None:
    require_backend(backend)
    outcome = cli("run", EXAMPLES / "fibonacci.masm", "--json", "--backend", backend)
    facts = outcome.json
    assert (outcome.code, facts["stack"], facts["cycles"]) == (0, [2880067194370816120, *[0] * 15], 1375)
    assert facts["backend"] == backend
    assert facts["time_ns"] > 0
    assert facts["mhz"] > 0


def test_stack_option_lists_the_top_first(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm("begin nop end"), "--stack", "3,5,0x10", "--json")
    assert outcome.json["stack"][:3] == [3, 5, 16]


def test_inputs_file_lists_the_top_last(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm("begin nop end", {"operand_stack": ["3", "5"]}), "--json")
    assert outcome.json["stack"][:2] == [5, 3]


def test_inputs_beside_the_program_are_found_and_others_can_be_named(cli: Cli, masm: Masm) -> None:
    program = masm("begin nop end", {"operand_stack": ["1"]})
    other = masm("", {"operand_stack": ["2"]}, name="other.masm").with_suffix(".inputs")
    assert cli("run", program, "--json").json["stack"][0] == 1
    assert cli("run", program, "-i", other, "--json").json["stack"][0] == 2


def test_stack_option_replaces_the_stack_of_the_inputs_file_and_keeps_its_advice(cli: Cli, masm: Masm) -> None:
    program = masm("begin adv_push.1 add end", {"operand_stack": ["1"], "advice_stack": ["40"]})
    assert cli("run", program, "--stack", "2", "--json").json["stack"][0] == 42


def test_outputs_option_limits_what_is_printed(cli: Cli, masm: Masm) -> None:
    program = masm("begin nop end")
    assert cli("run", program, "--stack", "1,2,3", "-n", "2", "--json").json["stack"] == [1, 2]
    assert cli("run", program, "--stack", "1,2,3", "-n", "0", "--json").json["stack"] == []
    assert cli("run", program, "-n", "17").code == 2


def test_serialized_programs_run_too(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    binary = tmp_path / "program.masb"
    assert cli("assemble", masm("begin add end"), "-o", binary).code == 0
    assert cli("run", binary, "--stack", "3,5", "--json").json["stack"][0] == 8


def test_standard_input_is_a_program(masm: Masm) -> None:
    command = [sys.executable, "-m", "miden", "run", "-", "--stack", "3,5", "--json"]
    result = subprocess.run(command, input="begin add end", capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(result.stdout)["stack"][0] == 8


# --- failures -------------------------------------------------------------------------------------------------


def test_a_trap_shows_the_place_and_exits_with_1(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm(TRAP))
    assert (outcome.code, outcome.out) == (1, "")
    assert "must be two" in outcome.err
    assert "program.masm:2:15" in outcome.err
    assert "^" * len('assert.err="must be two"') in outcome.err


def test_a_trap_as_json_is_one_document_on_standard_output(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm(TRAP), "--json")
    error = outcome.json["error"]
    assert (outcome.code, outcome.err) == (1, "")
    assert (error["kind"], error["clk"], error["exit_code"]) == ("FailedAssertion", 7, 1)
    assert error["diagnostic"]["start"]["line"] == 2


def test_a_program_that_does_not_assemble_exits_with_3(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm("begin\n    dup.16\nend\n"))
    assert outcome.code == 3
    assert "0..=15" in outcome.err
    assert "program.masm:2:9" in outcome.err


@pytest.mark.parametrize("content", [b"\xff\xfe", b"begin \x00 add end", b"", b"begin", b"MAST\0", b"MAST\0\0\0\0\xff\xff"])
def test_files_that_are_no_programs_exit_with_3(cli: Cli, masm: Masm, content: bytes) -> None:
    outcome = cli("run", masm(content))
    assert outcome.code == 3
    assert outcome.err.startswith("error")


MALFORMED_INPUTS = (
    *("[]", "{", "{}}", "\0", "[" * 10_000, '{"merkle_store": [{}]}', '{"advice_map": {"0x": []}}', '{"advice_stack": ["-1"]}'),
    *('{"operand_stack": 5}', '{"operand_stack": ["x"]}', '{"operand_stack": ["18446744069414584321"]}'),
)


@pytest.mark.parametrize("inputs", MALFORMED_INPUTS)
def test_malformed_inputs_exit_with_3_and_name_the_file(cli: Cli, masm: Masm, inputs: str) -> None:
    program = masm("begin nop end")
    program.with_suffix(".inputs").write_text(inputs, encoding="utf-8")
    outcome = cli("run", program)
    assert outcome.code == 3
    assert "program.inputs" in outcome.err


@pytest.mark.parametrize("stack", ["18446744069414584321", "-1", ",".join(["1"] * 17)])
def test_stack_values_that_are_no_inputs_exit_with_3(cli: Cli, masm: Masm, stack: str) -> None:
    assert cli("run", masm("begin nop end"), f"--stack={stack}").code == 3


@pytest.mark.parametrize("stack", ["a", "1,,2", "1.5", "0x", "9" * 5000])
def test_stack_values_that_are_no_integers_are_usage_errors(cli: Cli, masm: Masm, stack: str) -> None:
    outcome = cli("run", masm("begin nop end"), "--stack", stack)
    assert outcome.code == 2
    assert len(outcome.err) < 1000


def test_a_missing_file_exits_with_4(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("run", tmp_path / "nowhere.masm")
    assert outcome.code == 4
    assert "nowhere.masm" in outcome.err


def test_missing_inputs_exit_with_4(cli: Cli, masm: Masm, tmp_path: Path) -> None:
    assert cli("run", masm("begin nop end"), "-i", tmp_path / "nowhere.inputs").code == 4


def test_a_directory_exits_with_7(cli: Cli, tmp_path: Path) -> None:
    assert cli("run", tmp_path).code == 7


def test_the_cycle_limit_exits_with_6_and_is_exact(cli: Cli) -> None:
    program = EXAMPLES / "fibonacci.masm"
    assert cli("run", program, "--max-cycles", "1375").code == 0
    outcome = cli("run", program, "--max-cycles", "1374")
    assert outcome.code == 6
    assert "1374" in outcome.err


def test_a_deadline_exits_with_6(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm(ENDLESS), "--deadline", "0.05", "--json")
    assert (outcome.code, outcome.json["error"]["kind"]) == (6, "DeadlineExceeded")


def test_an_interrupt_exits_with_130(masm: Masm) -> None:
    command = [sys.executable, "-m", "miden", "run", str(masm(ENDLESS)), "--max-cycles", "4294967295", "--backend", "pure"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err


def test_an_unknown_backend_is_a_usage_error(cli: Cli, masm: Masm) -> None:
    assert cli("run", masm("begin nop end"), "--backend", "quantum").code == 2


def test_traceback_option_shows_where_an_error_was_raised(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm(TRAP), "--traceback")
    assert outcome.code == 1
    assert "Traceback (most recent call last)" in outcome.err


def test_errors_are_coloured_when_asked_and_not_when_the_environment_says_no(cli: Cli, masm: Masm, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in cli("run", masm(TRAP), "--color", "always").err
    assert "\x1b[" not in cli("run", masm(TRAP)).err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in cli("run", masm(TRAP)).err


def test_escape_sequences_in_a_source_do_not_reach_the_terminal(cli: Cli, masm: Masm) -> None:
    outcome = cli("run", masm("begin push.1 \x1b[31m end"))
    assert outcome.code == 3
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_leaves_early_is_no_error(buffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "miden", "run", str(EXAMPLES / "add.masm"), "--json"]
    environment = {**os.environ, "PYTHONUNBUFFERED": buffered}
    try:
        result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT, env=environment)
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_exit_code_of_a_trap_stays_when_nobody_reads_the_message(masm: Masm) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run([sys.executable, "-m", "miden", "run", str(masm(TRAP))], stderr=writer, check=False, cwd=ROOT)
    finally:
        os.close(writer)
    assert result.returncode == 1


# --- profile and debug ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_profile_counts_every_cycle_once(cli: Cli, backend: str) -> None:
    require_backend(backend)
    facts = cli("run", EXAMPLES / "u32_arithmetic.masm", "--profile", "--json", "--backend", backend).json
    for table in facts["profile"].values():
        assert sum(entry["cycles"] for entry in table) == facts["cycles"]


def test_profiles_of_both_backends_are_equal(cli: Cli) -> None:
    require_backend("core")
    first, second = (cli("run", EXAMPLES / "dynamic_calls.masm", "--profile", "--json", "--backend", name).json for name in BACKENDS)
    assert first["profile"] == second["profile"]


def test_a_profile_names_procedures_and_operations(cli: Cli, masm: Masm) -> None:
    program = masm("proc work\n    repeat.50 push.3 mul end\nend\nbegin\n    exec.work exec.work\nend\n")
    profile = cli("run", program, "--stack", "1", "--profile", "--json").json["profile"]
    cycles = {title: {entry["name"]: entry["cycles"] for entry in table} for title, table in profile.items()}
    assert cycles["operations"]["MUL"] == 100
    assert max(cycles["procedures"], key=lambda name: cycles["procedures"][name]) == "work"


def test_a_profile_is_printed_as_tables(cli: Cli) -> None:
    outcome = cli("run", EXAMPLES / "u32_arithmetic.masm", "--profile")
    assert re.search(r"^ *cycles +share  procedures$", outcome.out, re.MULTILINE)
    assert "xorshift32" in outcome.out


def test_debug_instructions_print_only_when_asked(cli: Cli, masm: Masm) -> None:
    program = masm("begin debug.stack.2 nop end")
    assert "Stack state" not in cli("run", program).out
    assert "Stack state" in cli("run", program, "--debug").out
    outcome = cli("run", program, "--debug", "--json")
    assert "Stack state" in outcome.err
    assert outcome.json["cycles"] > 0
