"""Start a system: `python run.py --system advin --encoder tfidf-svd` speaks the protocol on stdin and stdout.

Every submission that uses these files starts this one; which system it is, is said by its options alone.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from advin import baselines, pipeline, serve
from advin.encoders import ENCODERS
from advin.transfer import TRANSFERS

if TYPE_CHECKING:
    from advin.serve import Answer


def main() -> None:
    """Read the options, and answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--system", choices=("advin", *baselines.CLUSTERERS), default="advin", help="default: %(default)s"
    )
    parser.add_argument("--encoder", choices=ENCODERS, default="tfidf-svd", help="default: %(default)s")
    parser.add_argument("--transfer", choices=TRANSFERS, default="whitening", help="of advin; default: %(default)s")
    parser.add_argument("--count", choices=baselines.COUNTS, default="given", help="of the others: how they know K")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where torch computes")
    serve.serve(_system(parser.parse_args()))


def _system(options: argparse.Namespace) -> Answer:
    if options.system == "advin":
        settings = pipeline.Settings(options.encoder, options.transfer, options.device)
        return partial(pipeline.answer, settings=settings)
    blind = baselines.Settings(options.system, options.encoder, options.count, options.device)
    return partial(baselines.answer, settings=blind)


if __name__ == "__main__":
    main()
