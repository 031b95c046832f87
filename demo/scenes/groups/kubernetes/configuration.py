"""A setting in a ConfigMap that cannot change: another setting is another ConfigMap (k8s/scenes/rules)."""

import asyncio
from typing import Any

import yaml
from runtime.api import Object, Refused
from runtime.cluster.render import K8S, named

from scenes.engine.stage import Stage
from scenes.engine.users import asking
from scenes.groups.kubernetes.cluster import cluster
from scenes.groups.routing.quotes import BULK, total

WORKLOAD, SETTING = "pricing", "RULESET"


async def immutable(stage: Stage) -> None:
    runtime = cluster(stage)
    old, new = await _map(stage, "v1"), await _map(stage, "v2")
    stage.undo.append(lambda: _put_back(stage, old, new))
    price = await _price(stage)
    async with asking(stage, [BULK]) as users:
        await runtime.api.apply(old)
        await runtime.workloads.roll_out(WORKLOAD, await _read(stage, old))
        same = await _price(stage)
        refusal = await _change(stage, old)

        async def roll_out() -> None:
            await runtime.api.apply(new)
            await runtime.workloads.roll_out(WORKLOAD, await _read(stage, new))

        await stage.cause(f"roll {_name(new)} out in the place of {_name(old)}", roll_out)
        changed = await _price(stage)
        await stage.cause("and back", lambda: _roll_back(stage, old))
        back = await _price(stage)
        await asyncio.sleep(0.5)
    stage.figure("the names", f"{_name(old)} → {_name(new)}")
    stage.figure("300 copies", f"{price} → {changed} → {back}")
    stage.figure("changing the old one is answered", refusal)
    stage.figure("requests of users meanwhile", len(users.answers))
    stage.expect(_name(old) != _name(new), "another content has another name")
    stage.expect("immutable" in refusal, f"the API server refuses a change: {refusal}")
    stage.expect(same == price, f"from a ConfigMap the same setting gives the same price, {same}")
    stage.expect(changed != price, f"with the new one the price is {changed}")
    stage.expect(back == price, f"with the old one again it is {back}")
    stage.expect(users.failed() == 0, f"{users.failed()} of {len(users.answers)} requests failed")


async def _map(stage: Stage, version: str) -> Object:
    """As kustomize makes it: its name ends with a hash of what it holds."""
    text = await cluster(stage).kubectl.run("kustomize", str(K8S / "scenes" / "rules" / version))
    content: Object = yaml.safe_load(text)
    return content


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


async def _read(stage: Stage, config: Object) -> Object:
    """The workload's own Deployment, but that the setting comes from there."""
    item = await cluster(stage).deployment(WORKLOAD)
    (container,) = item["spec"]["template"]["spec"]["containers"]
    reference = {"configMapKeyRef": {"name": _name(config), "key": SETTING}}
    kept = [entry for entry in container["env"] if entry["name"] != SETTING]
    container["env"] = [*kept, {"name": SETTING, "valueFrom": reference}]
    return item


async def _change(stage: Stage, config: Object) -> str:
    try:
        await cluster(stage).api.patch(named("configmaps", _name(config)), {"data": {SETTING: "v2-rounding"}})
    except Refused as error:
        return str(error)
    return "yes"


async def _roll_back(stage: Stage, config: Object) -> None:
    await cluster(stage).workloads.roll_out(WORKLOAD, await _read(stage, config))


async def _put_back(stage: Stage, *maps: Object) -> None:
    runtime = cluster(stage)
    await runtime.workloads.roll_out(WORKLOAD, await runtime.deployment(WORKLOAD))
    for item in maps:
        await runtime.api.delete(named("configmaps", _name(item)))


async def _price(stage: Stage) -> Any:
    answer = await stage.client.post("/api/quotes", json=BULK)
    stage.expect(answer.status_code == 200, f"a quote is answered: {answer.status_code}")
    return total(answer)
