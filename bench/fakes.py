"""The outside world in a process of its own: fakes of Twilio and of some Evolution servers.

`python -m bench.fakes <servers> <latency>` prints their addresses as one line of JSON and runs until its input ends.
"""

import asyncio
import json
import sys

from bench.objects import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from controller.cli.event_loop import new_event_loop
from controller.sandbox.fakes.evolution import EvolutionFake
from controller.sandbox.fakes.twilio import TwilioFake

# Two more accounts: the ones that misbehave.
NOISY_ACCOUNTS = ("AC" + "b1" * 16, "AC" + "b2" * 16)


async def serve(servers: int, latency: float) -> None:
    twilio = TwilioFake(accounts=dict.fromkeys((ACCOUNT_SID, *NOISY_ACCOUNTS), AUTH_TOKEN))
    evolution = [
        EvolutionFake(api_key=API_KEY, client_name=f"evolution-{number}", random_seed=number)
        for number in range(servers)
    ]
    fakes = [twilio, *evolution]
    urls = [await fake.start() for fake in fakes]
    for fake in fakes:
        fake.latency = latency
    print(json.dumps({"twilio": urls[0], "evolution": urls[1:]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for fake in fakes:
        await fake.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), float(sys.argv[2])))
