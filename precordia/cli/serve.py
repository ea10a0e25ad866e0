"""``precordia serve``: a knowledge base over HTTP, with its page."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from precordia.cli.console import add_kb_option, kb_path, note
from precordia.cli.language_model import add_model_options, settings_of

_HERE = ("127.0.0.1", "::1", "localhost")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this machine only")
    parser.add_argument("--port", type=int, default=8645, help="port")
    add_model_options(parser)
    parser.add_argument("--workers", type=int, help="processes that search (default: one a core); one more writes")
    parser.add_argument("--tokens", type=Path, metavar="FILE", help="who may come in: NAME ROLE sha256:HEX a line")
    parser.add_argument(
        "--new-token",
        metavar="NAME:ROLE",
        help="make a token (roles: read, write, admin), print it with its line for --tokens, and end",
    )
    parser.add_argument("--oidc", metavar="URL", help="an OpenID Connect issuer whose tokens are taken, too")
    parser.add_argument("--oidc-audience", metavar="NAME", help="whom its tokens must be made out for")
    parser.add_argument("--oidc-claim", metavar="CLAIM", help="the claim that holds roles or groups (default: roles)")
    parser.add_argument(
        "--oidc-role",
        action="append",
        default=[],
        metavar="VALUE=ROLE",
        help="what of the claim gives which role (default: precordia-read, precordia-write, precordia-admin)",
    )
    parser.add_argument(
        "--oidc-client",
        metavar="ID",
        help="the name that the service is registered by at the issuer: the page sends people there to sign in; "
        "its secret, if it has one, in $PRECORDIA_OIDC_SECRET",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name that browsers reach the service by; others are refused",
    )
    parser.add_argument(
        "--archive",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder that administrators may build from at the page",
    )
    parser.add_argument(
        "--pairs",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="what precordia train pairs wrote: the archive is searched by such numbers, too",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate chain; goes with --tls-key")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="the certificate's private key")
    parser.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a proxy whose X-Forwarded-For says who the client is",
    )
    parser.add_argument("--rate", type=float, default=100.0, metavar="N", help="requests a second of one address")
    parser.epilog = (
        "Clients send a token of --tokens, of $PRECORDIA_TOKENS (lines, or a file's name) or $PRECORDIA_TOKEN (an "
        "administrator's) as a bearer token when there are any; there must be some beyond this machine."
    )
    add_kb_option(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted, or make a token."""
    from precordia.core.errors import MissingExtraError, UsageError

    try:
        from precordia.serve.app import app_of
        from precordia.serve.asking import Service
        from precordia.serve.desk import Processes
        from precordia.serve.server import server_of
    except ImportError as error:
        raise MissingExtraError(error.name or "fastapi", "serve", "serving over HTTP") from None
    from precordia.indexing.bucket import bucket_behind
    from precordia.knowledge_base import KnowledgeBase
    from precordia.serve.noting import Notes
    from precordia.serve.security.tokens import Tokens
    from precordia.serve.work.archive import warm_to_write
    from precordia.serve.working import Works

    if args.new_token:
        return _new_token(args.new_token)
    issuer = _issuer(args)
    tokens = Tokens.of_environment(args.tokens, issuer)
    if not tokens.needed and args.host not in _HERE:
        raise UsageError(
            f"listening on {args.host} would show patients' data to the network: set PRECORDIA_TOKEN, or name --tokens or --oidc"
        )
    tls = _tls(args)
    workers = args.workers if args.workers is not None else os.cpu_count() or 1
    if workers < 1 or args.rate <= 0:
        raise UsageError("--workers and --rate are at least 1")
    archives, pairs = _by_name(args.archive, "--archive"), _by_name(args.pairs, "--pairs")
    path, settings = kb_path(args), settings_of(args)
    if bucket_behind(path) is not None:
        raise UsageError("serve reads a folder: copy the knowledge base out of the object store, and serve the copy")
    kb = KnowledgeBase.open(path)
    quick = Processes(kb.path, "none", workers)
    # A report may take a second longer; a search that waits for one may not.
    slow = Processes(kb.path, args.llm, 1, warm_to_write, nice=10, settings=settings)
    service = Service(
        quick,
        slow,
        tokens,
        args.llm,
        Notes(kb.audit),
        works=Works(kb.path, archives),
        signing_in=_signing_in(args, issuer),
        pairs=pairs,
    )
    app = app_of(service, _names(args), args.rate)
    note(f"serving {kb.path} at http{'s' if tls else ''}://{args.host}:{args.port} (Ctrl-C ends it)")
    if tls is None and args.host not in _HERE:
        note(
            "without TLS tokens and ECGs can be read on the way: name --tls-cert and --tls-key, or put a proxy before it"
        )
    server_of(app, args.host, args.port, tls=tls, proxies=tuple(args.trust_proxy)).run()
    return 0


def _new_token(asked: str) -> int:
    from precordia.serve.security.tokens import new_token

    name, _, role = asked.rpartition(":")
    token, line = new_token(name, role)
    note("the token, shown this once; give it to its person:")
    print(token)
    note("the line for the file of --tokens:")
    print(line)
    return 0


def _by_name(folders: Sequence[Path], option: str) -> dict[str, Path]:
    """Folders by their names: nobody names another path from afar."""
    from precordia.core.errors import UsageError

    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no folder; name one that is there with {option}")
        if found.setdefault(folder.resolve().name, folder.resolve()) != folder.resolve():
            raise UsageError(f"{folder}: another {option} has this name; rename one")
    return found


def _issuer(args: argparse.Namespace) -> Any:
    """The issuer whose tokens are taken, or None."""
    from precordia.core.errors import UsageError
    from precordia.serve.security.oidc import CLAIM, Issuer, IssuerSettings

    if args.oidc is None:
        if args.oidc_audience or args.oidc_claim or args.oidc_role or args.oidc_client:
            raise UsageError("--oidc-audience, --oidc-claim, --oidc-role and --oidc-client go with --oidc")
        return None
    pairs = [pair.rpartition("=") for pair in args.oidc_role]
    if not all(value and sign for value, sign, _ in pairs):
        raise UsageError("--oidc-role is VALUE=ROLE")
    roles = {"roles": {value: role for value, _, role in pairs}} if pairs else {}
    return Issuer(IssuerSettings(args.oidc, args.oidc_audience or "", args.oidc_claim or CLAIM, **roles))


def _signing_in(args: argparse.Namespace, issuer: Any) -> Any:
    """What sends people to the issuer, or None."""
    from precordia.serve.security.signing_in import SigningIn

    if args.oidc_client is None:
        return None
    return SigningIn(issuer, args.oidc_client, os.environ.get("PRECORDIA_OIDC_SECRET"))


def _tls(args: argparse.Namespace) -> tuple[Path, Path] | None:
    from precordia.core.errors import UsageError

    if (args.tls_cert is None) != (args.tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together")
    if args.tls_cert is None:
        return None
    for file in (args.tls_cert, args.tls_key):
        if not os.access(file, os.R_OK):
            raise UsageError(f"{file}: cannot be read")
    return args.tls_cert, args.tls_key


def _names(args: argparse.Namespace) -> list[str]:
    """The names that the service answers to: this machine's, the address it listens on, and those allowed besides."""
    return [*_HERE, args.host, socket.gethostname().lower(), *args.allow_host]
