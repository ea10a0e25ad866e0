"""``precordia serve``: a knowledge base over HTTP, with a viewer."""

from __future__ import annotations

import argparse
import os

from precordia.cli.console import add_kb_option, kb_path, note
from precordia.cli.language_model import add_model_options, model_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this machine only")
    parser.add_argument("--port", type=int, default=8645, help="port")
    add_model_options(parser)
    parser.epilog = (
        "Clients must send $PRECORDIA_TOKEN as a bearer token when it is set; it must be set beyond this machine."
    )
    add_kb_option(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from precordia.core.errors import MissingExtraError, UsageError

    try:
        import uvicorn

        from precordia.serve.app import create_app
    except ImportError as error:
        raise MissingExtraError(error.name or "fastapi", "serve", "serving over HTTP") from None
    from precordia.knowledge_base import KnowledgeBase

    token = os.environ.get("PRECORDIA_TOKEN")
    if token is None and args.host not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError(
            f"listening on {args.host} would show patients' data to the network: set PRECORDIA_TOKEN first"
        )
    kb, model = KnowledgeBase.open(kb_path(args)), model_of(args)
    note(f"serving {kb.path} at http://{args.host}:{args.port} (Ctrl-C ends it)")
    # No access log: paths and questions may name patients.
    uvicorn.run(
        create_app(kb, token=token, llm=model or "none"),
        host=args.host,
        port=args.port,
        access_log=False,
        log_level="warning",
    )
    return 0
