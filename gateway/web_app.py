"""Serves the built web application: files with hashes in their names for ever, the page always anew."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

BUILT = Path(__file__).parent / "web" / "dist"
_PAGE = "index.html"
_WORKER = "sw.js"
_FOR_EVER = "public, max-age=31536000, immutable"
_ANEW = "no-cache"
# Ant Design writes its styles into the page; scripts come from files of ours and nowhere else.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self' blob:",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript", ".svg": "image/svg+xml"}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>客户授信管理系统</title>
<style>body{font:16px/1.7 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;max-width:44rem;
margin:8vh auto;padding:0 1.2rem;color:#1f2329}code{background:#f2f3f5;padding:.1em .4em;border-radius:4px}
a{color:#1456f0}h1{font-size:1.6rem}</style>
<h1>系统正在运行，网页应用尚未构建</h1>
<p>The suite runs; its web application is not built.</p>
<p>请运行 <code>make run</code>，或 <code>.venv/bin/python -m credit.web_app build</code>，然后刷新此页。</p>
<ul><li><a href="/api/docs">接口文档 / API reference</a></li>
<li><a href="/api/v1/openapi.json">openapi.json</a></li>
<li><a href="/readyz">运行状态 / state of the services</a></li></ul></html>"""


def add_web_app(app: Flask, built: Path = BUILT) -> None:
    """Add the application's page and files; a wrong address of the API stays a 404 of the API."""

    def serve(path: str = _PAGE) -> Response:
        if path == _PAGE and not (built / _PAGE).exists():
            return Response(_NOT_BUILT, content_type="text/html; charset=utf-8")
        found = safe_join(str(built), path)
        # What is hidden or compressed is the gateway's own business.
        if found is None or path.startswith(".") or path.endswith((".br", ".gz", "build.json")):
            raise NotFound
        if Path(found).is_file():
            return _file(Path(found), path)
        return _elsewhere(path)

    # Not everything below `/`: what is sent to a wrong address of the API is to hear 404, not 405.
    app.add_url_rule("/", "/", serve, methods=["GET"])
    app.add_url_rule("/<path>", "/<path>", serve, methods=["GET"])
    app.add_url_rule("/assets/<path:name>", "/assets", lambda name: serve(f"assets/{name}"), methods=["GET"])


def _file(found: Path, path: str) -> Response:
    encoding, suffix = _encoding_of(found)
    kind = _TYPES.get(found.suffix) or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    response = Response(found.with_name(found.name + suffix).read_bytes())
    response.content_type = f"{kind}; charset=utf-8" if text else kind
    response.headers["Cache-Control"] = _FOR_EVER if path.startswith("assets/") else _ANEW
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    if not path.startswith("assets/"):
        response.add_etag()
        response.make_conditional(request)
    # A service worker lives by the policy of its own script, and asks for the page and its files.
    if path in (_PAGE, _WORKER):
        response.headers["Content-Security-Policy"] = _POLICY
    return response


def _encoding_of(found: Path) -> tuple[str, str]:
    """The best way to send a file that the browser takes and the build has made: its name, and its suffix."""
    for name, suffix in _ENCODINGS:
        if request.accept_encodings[name] and found.with_name(found.name + suffix).exists():
            return name, suffix
    return "", ""


def _elsewhere(path: str) -> Response:
    """Somebody typed the address of a page without its `#`; whatever else is asked for is not there."""
    is_page = "." not in path and not path.startswith("assets/") and path != "api"
    if not is_page or not _wants_page(request):
        raise NotFound
    response = Response(status=302)
    response.headers["Location"] = f"/#/{request.full_path.lstrip('/').rstrip('?')}"
    return response


def _wants_page(asked: Any) -> bool:
    return "text/html" in asked.headers.get("Accept", "")
