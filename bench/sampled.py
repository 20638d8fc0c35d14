"""The operator with a sampling profiler: `python -m bench.sampled <file> run --kubeconfig=...`.

A timer of CPU time interrupts every few milliseconds and notes the Python stack. When the operator ends, `<file>` gets
each function's share of the samples: its own, and with all that it called. Costs a few percent; a tracing profiler
more than doubles the time of code that makes many small calls, and so shows the wrong ones.
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from controller.cli.main import main

INTERVAL_SECONDS = 0.004
SHOWN = 60


class Sampler:
    def __init__(self) -> None:
        self.samples = 0
        self.own: Counter[str] = Counter()
        self.total: Counter[str] = Counter()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def report(self) -> str:
        lines = [f"{self.samples} samples of {INTERVAL_SECONDS * 1000:g} ms of CPU time"]
        for title, counted in (("own", self.own), ("with callees", self.total)):
            lines.append(f"\n{title}:")
            lines += [
                f"{100 * count / max(1, self.samples):6.1f} %  {name}"
                for name, count in counted.most_common(SHOWN)
            ]
        return "\n".join(lines) + "\n"

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        self.samples += 1
        seen: set[str] = set()
        own = True
        while frame is not None:
            code = frame.f_code
            name = f"{_short(code.co_filename)}:{code.co_qualname}"
            if own:
                self.own[f"{name}:{frame.f_lineno}"] += 1
                own = False
            seen.add(name)
            frame = frame.f_back
        self.total.update(seen)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-3:])


if __name__ == "__main__":
    sampler = Sampler()
    sampler.start()
    try:
        main(args=sys.argv[2:], standalone_mode=False)
    finally:
        sampler.stop()
        Path(sys.argv[1]).write_text(sampler.report())
