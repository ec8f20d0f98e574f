# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.water_filling import Claim, fill

claims = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1e-9, 0.1, 0.5, 1.0, 1.0, 3.0, 1e6])), max_size=7).map(
    lambda pairs: [Claim(f"c{number}", extents, weight) for number, (extents, weight) in enumerate(pairs)]
)


def one_by_one(claims, spendable):
    """The definition: the next extent goes to the lowest level."""
    shares = {claim.name: 0 for claim in claims}
    for _extent in range(spendable):
        hungry = [claim for claim in claims if shares[claim.name] < claim.extents]
        if not hungry:
            break
        poorest = min(hungry, key=lambda claim: (shares[claim.name] / claim.weight, -claim.weight, claim.name))
        shares[poorest.name] += 1
    return shares


@settings(max_examples=300, deadline=None)
@given(claims=claims, spendable=st.integers(0, 150))
def test_filling_gives_what_giving_one_extent_after_the_other_gives(claims, spendable):
    assert fill(claims, spendable) == one_by_one(claims, spendable)


def test_very_different_weights_and_many_extents_end():
    wanted = [Claim("heavy", 10**9, 1e9), Claim("light", 10**9, 1e-9), Claim("middle", 10**6, 1.0)]
    shares = fill(wanted, 10**9 + 5)
    assert sum(shares.values()) == 10**9 + 5
    assert shares["heavy"] > shares["middle"] >= shares["light"]


def test_the_greatest_weight_there_is_has_a_share():
    assert fill([Claim("heavy", 500, 1e308), Claim("light", 500, 0.01)], 600) == {"heavy": 500, "light": 100}


def test_a_claim_that_does_not_fit_any_more_leaves_the_rest_to_the_others():
    assert fill([Claim("mirror", 5, 1.0, copies=3), Claim("plain", 9, 1.0)], 4) == {"mirror": 1, "plain": 1}
    assert fill([Claim("mirror", 5, 1.0, copies=3), Claim("plain", 9, 0.5)], 2) == {"mirror": 0, "plain": 2}


def test_nobody_claims_nothing():
    assert fill([], 10) == {}
