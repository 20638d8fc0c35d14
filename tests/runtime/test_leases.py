import asyncio

import pytest

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiUnavailable
from controller.runtime.kube_resources import LEASES
from controller.runtime.leases import AlreadyMine, Claimed, HeldBy, NumberClaims, claim_name
from tests.runtime.manual_clock import START, ManualClock

NAMESPACE = "default"
NAME = claim_name("AC0123", "+37120000001")


@pytest.fixture
def claims(api: KubeApi) -> NumberClaims:
    return NumberClaims(api, NAMESPACE, clock=ManualClock())


def test_names_are_stable_and_tell_accounts_and_numbers_apart() -> None:
    assert "number-" + NAME.removeprefix("number-").lower() == NAME
    assert len(NAME) == len("number-") + 20
    assert claim_name("AC0123", "+37120000001") == NAME
    assert NAME not in {claim_name("AC0124", "+37120000001"), claim_name("AC0123", "+37120000002")}


async def test_a_free_number_is_claimed_and_the_claim_says_for_whom(
    api: KubeApi, claims: NumberClaims
) -> None:
    assert await claims.claim(NAME, "uid-1", {"tenant": "acme/shop"}) == Claimed()
    lease = await api.get(LEASES, NAME, NAMESPACE)
    assert lease is not None
    assert lease["metadata"]["labels"] == {"x-sevenai.com/claim": "number"}
    assert lease["metadata"]["annotations"] == {"tenant": "acme/shop"}
    assert lease["spec"] == {"holderIdentity": "uid-1", "acquireTime": "2026-01-01T00:00:00.000000Z"}


async def test_a_claim_is_known_again_after_a_crash(claims: NumberClaims) -> None:
    await claims.claim(NAME, "uid-1", {})
    assert await claims.claim(NAME, "uid-1", {}) == AlreadyMine()
    assert await claims.claim(NAME, "uid-2", {}) == HeldBy("uid-1")
    assert await claims.holder(NAME) == "uid-1"


async def test_of_many_at_once_exactly_one_gets_the_number(claims: NumberClaims) -> None:
    results = await asyncio.gather(*(claims.claim(NAME, f"uid-{number}", {}) for number in range(20)))
    assert results.count(Claimed()) == 1
    winner = results.index(Claimed())
    assert all(result == HeldBy(f"uid-{winner}") for number, result in enumerate(results) if number != winner)


async def test_a_released_number_can_be_claimed_by_another(claims: NumberClaims) -> None:
    await claims.claim(NAME, "uid-1", {})
    assert await claims.release(NAME, "uid-1") is None
    assert await claims.holder(NAME) is None
    assert await claims.claim(NAME, "uid-2", {}) == Claimed()


async def test_releasing_what_is_gone_is_no_error(claims: NumberClaims) -> None:
    assert await claims.release(NAME, "uid-1") is None


async def test_nobody_releases_the_claim_of_another(claims: NumberClaims) -> None:
    await claims.claim(NAME, "uid-1", {})
    assert await claims.release(NAME, "uid-2") == HeldBy("uid-1")
    assert await claims.holder(NAME) == "uid-1"


class ChangedBeforeDelete(KubeApi):
    """Runs `meddle` between the read and the delete of a release."""

    def __init__(self, api: KubeApi, meddle: list[str]) -> None:
        super().__init__(api._connection)
        self.meddle = meddle

    async def delete(self, *args: object, **kwargs: object) -> None:
        if self.meddle:
            annotations = {"note": self.meddle.pop()}
            await self.merge_patch(LEASES, NAME, {"metadata": {"annotations": annotations}}, NAMESPACE)
        await super().delete(*args, **kwargs)  # type: ignore[arg-type]


async def test_a_claim_made_anew_by_another_is_not_released_for_the_first(
    api: KubeApi, claims: NumberClaims
) -> None:
    await claims.claim(NAME, "uid-1", {})
    elsewhere = NumberClaims(api, NAMESPACE)
    await elsewhere.release(NAME, "uid-1")
    await elsewhere.claim(NAME, "uid-2", {})
    assert await claims.release(NAME, "uid-1") == HeldBy("uid-2")
    assert await claims.holder(NAME) == "uid-2"


async def test_a_claim_that_changed_meanwhile_is_read_again_before_it_is_released(api: KubeApi) -> None:
    claims = NumberClaims(ChangedBeforeDelete(api, ["once"]), NAMESPACE)
    await claims.claim(NAME, "uid-1", {})
    assert await claims.release(NAME, "uid-1") is None
    assert await claims.holder(NAME) is None


async def test_a_claim_that_never_rests_is_released_later(api: KubeApi) -> None:
    claims = NumberClaims(ChangedBeforeDelete(api, ["one", "two", "three", "four"]), NAMESPACE)
    await claims.claim(NAME, "uid-1", {})
    with pytest.raises(ApiUnavailable, match="tried again later"):
        await claims.release(NAME, "uid-1")
    assert await claims.holder(NAME) == "uid-1"


async def test_all_claims_are_listed_and_other_leases_are_not(api: KubeApi, claims: NumberClaims) -> None:
    other = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "shard-1"},
        "spec": {},
    }
    await api.create(LEASES, other, NAMESPACE)
    await claims.claim(NAME, "uid-1", {"tenant": "acme/shop"})
    (claim,) = await claims.all()
    assert (claim.name, claim.holder, claim.annotations) == (NAME, "uid-1", {"tenant": "acme/shop"})
    assert claim.since.tzinfo is not None
    assert claim.since > START
