"""Gas under nested limits, and the numbers of the price lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miden.actors.codes import ErrorNumber, ExitCode, OutOfGas, exit_name
from miden.actors.gas import MAX_MILLIGAS, GasCharge, GasTracker, round_up
from miden.actors.prices import BLAKE2B_512, KECCAK_256, NV18, NV21, RIPEMD_160, UNIT, Scaling, Steps, price_list
from miden.errors import InputError
from miden.ipld.multihash import BLAKE2B_256, SHA2_256


def test_a_charge_beyond_the_limit_uses_all_that_was_left() -> None:
    gas = GasTracker(20, 10)
    gas.charge("a", 5)
    gas.charge("b", 2, 3)
    assert (gas.used, gas.available) == (20, 0)
    with pytest.raises(OutOfGas):
        gas.charge("c", 1)
    gas = GasTracker(20)
    with pytest.raises(OutOfGas):
        gas.charge("d", 10, 11)
    assert gas.used == 20


def test_limits_are_capped_and_amounts_do_not_overflow() -> None:
    gas = GasTracker(1 << 80, 1 << 90)
    assert gas.limit == gas.used == MAX_MILLIGAS
    gas = GasTracker(100)
    gas.charge("a", 40)
    gas.push_limit(1 << 80)
    assert (gas.limit, gas.used, gas.depth) == (60, 0, 1)
    with pytest.raises(OutOfGas):
        gas.charge("b", 1 << 70)
    gas.pop_limit()
    assert (gas.limit, gas.used, gas.depth) == (100, 100, 0)


def test_a_guest_counts_for_itself_and_is_charged_what_it_used() -> None:
    gas = GasTracker(1000, tracing=True)
    assert gas.refuel() == 1000
    gas.settle(700, grown=100)
    assert gas.drain() == [GasCharge("wasm_exec", 200), GasCharge("wasm_memory_grow", 100)]
    gas.settle(700)
    assert gas.used == 300
    assert gas.refuel() == 700
    with pytest.raises(OutOfGas):
        gas.settle(-1)
    assert gas.used == 1000
    assert [charge.compute for charge in gas.drain()] == [0, 701]
    assert gas.drain() == []


def test_more_memory_than_was_used_is_never_charged() -> None:
    gas = GasTracker(1000, tracing=True)
    gas.refuel()
    gas.settle(950, grown=100)
    assert gas.drain() == [GasCharge("wasm_exec", 0), GasCharge("wasm_memory_grow", 50)]


@given(st.lists(st.tuples(st.sampled_from("cpq"), st.integers(0, 300)), max_size=40), st.integers(0, 2000))
def test_inner_limits_never_hide_what_was_used(steps: list[tuple[str, int]], limit: int) -> None:
    """Whatever is pushed and popped, the sum of the charges that were let through, or the whole limit, is what was used."""
    gas = GasTracker(limit, tracing=True)
    total, broken = 0, False
    for step, amount in steps:
        if step == "c":
            before = gas.available
            try:
                gas.charge("x", amount)
                total += amount
            except OutOfGas:
                total, broken = total + before, True
            assert 0 <= gas.used <= gas.limit
        elif step == "p":
            gas.push_limit(amount)
        elif gas.depth:
            gas.pop_limit()
    while gas.depth:
        gas.pop_limit()
    assert gas.used == total <= gas.limit
    assert broken or sum(charge.total for charge in gas.drain()) == total


def test_gas_is_reported_rounded_up() -> None:
    assert [round_up(amount) for amount in (0, 1, 999, 1000, 1001)] == [0, 1, 1, 1, 2]


# figures of FIP-0032, FIP-0057, FIP-0071 as the network's code has them; gas, not milligas
@pytest.mark.parametrize("prices", [NV18, NV21], ids=lambda prices: prices.name)
def test_what_both_networks_charge(prices: object) -> None:
    assert isinstance(prices, type(NV21))
    assert prices.on_chain_message(100) == GasCharge("OnChainMessage", 38_863_000, 475_000_000 + 46_800_000 + 130_000_000)
    assert prices.on_method_return(1, 10, 3).total == 13_000_000
    assert prices.on_create_actor(False).total == 650_000_000
    assert prices.on_create_actor(True).total == 2_700_000_000
    assert prices.on_block_read(1000).total == 400_000
    assert prices.on_block_open(10, 0).total == prices.on_block_create(10, 0).total == 100_000
    assert {code: prices.on_hashing(code, 1).total for code in (SHA2_256, BLAKE2B_256, BLAKE2B_512, KECCAK_256, RIPEMD_160)} == {
        SHA2_256: 7_000,
        BLAKE2B_256: 10_000,
        BLAKE2B_512: 10_000,
        KECCAK_256: 33_000,
        RIPEMD_160: 35_000,
    }
    assert prices.on_verify_signature(1, 32).total == 1_637_612_000
    assert prices.on_verify_signature(2, 32).total == 16_599_437_000
    assert prices.on_verify_aggregate_seals(8, 3).total == 3 * 449_900_000
    assert prices.on_verify_aggregate_seals(9, 13).total == (13 * 359_272 + 120_803_700) * 1000
    assert prices.on_verify_aggregate_seals(3, 4) == prices.on_verify_aggregate_seals(8, 4)
    assert prices.memory_gas(65536) == 26_214_400
    assert prices.table_gas(10) == 32_000


def test_links_cost_something_since_network_version_21() -> None:
    assert NV21.on_method_invocation(2).total == 75_600_000
    assert NV18.on_method_invocation(2).total == 75_000_000
    assert NV21.on_block_open_base() == GasCharge("OnBlockOpenBase", 300_000, 187_440_000)
    assert NV18.on_block_open_base() == GasCharge("OnBlockOpenBase", 0, 187_440_000)
    assert NV21.on_scan_links(8, 2).total == 8 * 35_000 + 2 * 400_000
    assert NV18.on_scan_links(8, 2).total == 0
    # max(300 L + 2.4 n, 10 n) for an open, max(2.4 n + 300 L, 10 n) for a create
    assert NV21.on_block_open(100, 10).total == 3_240_000
    assert NV21.on_block_open(1000, 10).total == 10_000_000
    assert NV21.on_block_create(1000, 40).total == 14_400_000
    assert NV21.on_block_link(BLAKE2B_256, 100).total == (240 + 1000 + 300 + 172_000 + 334_000 + 334_000) * 1000
    assert NV18.on_block_link(BLAKE2B_256, 100).total == (240 + 1000 + 172_000 + 334_000 + 334_000) * 1000
    assert NV21.on_method_return(2, 10, 3).total == 900_000
    assert NV18.on_method_return(2, 10, 3).total == 0
    assert (NV21.on_get_root().total, NV18.on_set_root().total) == (300_000, 0)


def test_randomness_and_events_are_priced_by_what_they_depend_on() -> None:
    assert NV21.on_get_randomness(100, 999).total == (146_200 + 7500) * 1000
    assert NV18.on_get_randomness(100, 32).total == (21_000 + 10 * 80) * 1000
    assert [NV18.on_tipset_cid(lookback).total for lookback in (0, 1, 2)] == [50_000_000, 50_000_000, 215_000_000]
    assert NV21.on_tipset_cid(2).total == 146_350_000
    size = 12 + 9 * 2 + 5 + 7
    expected = 2000 + 1400 * 2 + 500 + 16 * 5 + 3 * 2.4 * size + 10 * size
    assert NV21.on_actor_event(2, 5, 7).total == round(expected * 1000)
    assert NV18.on_actor_event_validate(100).total == 1_750_000 + 2_500_000 + 240_000
    assert NV18.on_actor_event_accept(88).total == (3 * 40 + 2 * 200 + 1000) * 1000


def test_unit_counts_cycles_and_nothing_else() -> None:
    numbers = {name: value for name, value in vars(UNIT).items() if value and name not in ("name", "preloaded_actors")}
    for table in ("signatures", "hashing", "aggregate_seals"):
        assert set(numbers.pop(table)) == set(getattr(NV21, table))
    assert {name: value for name, value in numbers.items() if value != Scaling()} == {"cycle": 1000, "instruction": 1000}
    assert UNIT.on_verify_aggregate_seals(8, 500).total == UNIT.on_block_link(SHA2_256, 10**6).total == 0


def test_steps_take_the_last_that_was_reached() -> None:
    steps = Steps(0, ((10, 1), (20, 2)))
    assert [steps.of(count) for count in (0, 5, 10, 11, 19, 20, 100)] == [0, 0, 1, 1, 1, 2, 2]
    assert Steps(0, ()).of(0) == 0


def test_lists_are_found_by_name() -> None:
    assert price_list("nv18") is NV18
    with pytest.raises(InputError, match="there are nv18, nv21, unit"):
        price_list("nv99")


def test_errors_of_the_kernel_become_exit_codes_at_the_top_only() -> None:
    assert ErrorNumber.INSUFFICIENT_FUNDS.exit_code == ExitCode.SYS_INSUFFICIENT_FUNDS == 6
    assert ErrorNumber.NOT_FOUND.exit_code == ExitCode.SYS_INVALID_RECEIVER == 5
    others = set(ErrorNumber) - {ErrorNumber.INSUFFICIENT_FUNDS, ErrorNumber.NOT_FOUND}
    assert {number.exit_code for number in others} == {ExitCode.SYS_ASSERTION_FAILED}
    assert [exit_name(code) for code in (0, 3, 24, 4_000_000_000)] == ["OK", "3", "USR_ASSERTION_FAILED", "4000000000"]
