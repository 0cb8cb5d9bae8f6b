"""An aiohttp application as an upstream, in a process of its own: `python python_server.py PORT`."""
import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from aiohttp import WSMsgType, web


@contextlib.contextmanager
def running(work: Path, mode: str = "app") -> Iterator[str]:
    """Start it, its log in `work`: the address."""
    from wire.peers import addresses, child

    address = addresses.free_address()
    command = [sys.executable, __file__, address.rpartition(":")[2], mode]
    environment = {**os.environ, "HOME": str(work), "PYTHONWARNINGS": "default"}
    with child.running(command, address=address, log=work / f"{mode}.log", env=environment, cwd=work):
        yield address


async def sha256(request: web.Request) -> web.Response:
    digest = hashlib.sha256()
    async for block in request.content.iter_any():
        digest.update(block)
    return web.Response(text=digest.hexdigest())


async def echo(request: web.Request) -> web.Response:
    """The request as this server understood it."""
    fields = [[name.lower(), value] for name, value in request.headers.items()]
    body = (await request.read()).decode("latin-1")
    return web.json_response({"method": request.method, "target": request.raw_path, "fields": fields, "body": body})


async def count(request: web.Request) -> web.StreamResponse:
    """Lines in chunks of their own, a moment between them."""
    answer = web.StreamResponse(headers={"content-type": "text/plain"})
    await answer.prepare(request)
    for number in range(int(request.query["to"])):
        await answer.write(f"{number}\n".encode())
        await asyncio.sleep(0)
    await answer.write_eof()
    return answer


async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data.upper())
    return socket


async def git(request: web.Request) -> web.Response:
    """`git http-backend` as CGI on the repositories in the working folder."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": os.getcwd(),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": "pusher",
        "REMOTE_ADDR": "127.0.0.1",
    }
    backend = await asyncio.create_subprocess_exec(
        "git", "http-backend", env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await backend.communicate(await request.read())
    head, _, body = output.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(fields.pop("Status", "200 OK").split()[0])
    return web.Response(status=status, headers=fields, body=body)


def application(mode: str) -> web.Application:
    app = web.Application(client_max_size=1 << 30)
    if mode == "git":
        app.router.add_route("*", "/{path:.*}", git)
        return app
    app.router.add_route("*", "/sha256", sha256)
    app.router.add_get("/count", count)
    app.router.add_get("/talk", talk)
    app.router.add_route("*", "/{path:.*}", echo)
    return app


async def main(port: int, mode: str) -> None:
    runner = web.AppRunner(application(mode), auto_decompress=False, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
