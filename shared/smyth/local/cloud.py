"""The laptop cloud as a whole: starts its parts in order, tells who wants to know, stops them in order."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from smyth.local import deploy
from smyth.local.assembly import Assembly, inputs_hash, synthesised
from smyth.local.children import end_leftovers
from smyth.local.demo_tenant import demo_tenant
from smyth.local.deploy import Deployed
from smyth.local.emulator import Emulator
from smyth.local.folder import DataFolder, LocalCloudError, write_private
from smyth.local.front import Front
from smyth.local.gaps.response_streaming import StreamFunctions
from smyth.local.scripted_models import model_server, with_scripted_models
from smyth.platform.routes import STREAMED

#: Told what is being done, for the progress display.
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """A laptop cloud that takes requests."""

    url: str
    operator_key: str
    tenant_id: str
    tenant_key: str
    model_server: str
    stack: str
    folder: DataFolder
    emulator: Emulator
    streams: StreamFunctions
    serving: asyncio.Task[None]

    async def until_it_ends(self) -> None:
        """Wait as long as all parts run.

        Raises:
            LocalCloudError: A child ended by itself.
        """
        while not self.serving.done():
            children = (self.emulator.child, self.streams.child)
            for child in children:
                if child.process.returncode is not None:
                    raise LocalCloudError(f"the {child.name} process ended by itself; see {child.log}")
            ends = [asyncio.create_task(child.process.wait()) for child in children]
            try:
                await asyncio.wait({self.serving, *ends}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in ends:
                    task.cancel()


@asynccontextmanager
async def running(folder: DataFolder, *, host: str, port: int, tell: Tell) -> AsyncIterator[Running]:
    """Start the laptop cloud on a data folder; on leaving everything is stopped and saved.

    Raises:
        LocalCloudError: It cannot start; the message says why and what to do.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        listener = stack.enter_context(_listen(host, port))
        url = f"http://{host}:{listener.getsockname()[1]}"
        folder.dev_json.unlink(missing_ok=True)
        end_leftovers(folder)
        folder.put_long_logs_aside()
        inputs = await asyncio.to_thread(inputs_hash)
        models = stack.enter_context(model_server(folder))
        synthesis = asyncio.create_task(synthesised(folder.assembly, inputs))
        stack.callback(synthesis.cancel)
        tell("starting the embedded AWS")
        emulator = await Emulator.start(folder)
        stack.push_async_callback(_stop_emulator, emulator, folder)
        tell("making the stack's template")
        assembly = with_scripted_models(await synthesis, models.url)
        deployed = await _deploy(folder, emulator, assembly, inputs, tell)
        tell("starting the front")
        streams = await _start_streams(folder, emulator, deployed)
        stack.push_async_callback(streams.stop)
        front = Front(emulator_url=emulator.url, deployed=deployed, streams=streams)
        stack.push_async_callback(front.close)
        server = _Server(uvicorn.Config(front, log_level="warning", server_header=False, ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stack.push_async_callback(_stop_front, server, serving)
        tell("making the demo tenant")
        operator_key = await asyncio.to_thread(deploy.operator_key, deployed, emulator.url)
        tenant_id, tenant_key = await demo_tenant(folder, url=url, operator_key=operator_key)
        told = {"url": url, "operator_key": operator_key, "tenant_id": tenant_id, "tenant_key": tenant_key}
        told["model_server"] = models.url
        stack.callback(folder.dev_json.unlink, missing_ok=True)
        write_private(folder.dev_json, json.dumps({**told, "pid": os.getpid()}, indent=2))
        yield Running(**told, stack=deployed.stack, folder=folder, emulator=emulator, streams=streams, serving=serving)


async def _deploy(folder: DataFolder, emulator: Emulator, assembly: Assembly, inputs: str, tell: Tell) -> Deployed:
    """Bring the stack up to date; nothing to do when its inputs are those of the last time."""
    status = await asyncio.to_thread(deploy.stack_status, assembly.stack, emulator.url)
    if folder.read_settings().get("deployed") != inputs or not (status or "").endswith("_COMPLETE"):
        tell(f"deploying {len(assembly.template['Resources'])} resources")
        await asyncio.to_thread(deploy.deploy, assembly, emulator.url)
        folder.remember(deployed=inputs)
    return await asyncio.to_thread(deploy.look_up, assembly.stack, emulator.url)


async def _start_streams(folder: DataFolder, emulator: Emulator, deployed: Deployed) -> StreamFunctions:
    environment: dict[str, str] = {}
    for name in sorted(STREAMED):
        environment |= await asyncio.to_thread(deploy.function_environment, deployed.functions[name], emulator.url)
    return await StreamFunctions.start(folder, emulator_url=emulator.url, environment=environment)


class _Server(uvicorn.Server):
    """Leaves signals to the command, which stops the parts in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    # Without its protocol named asyncio leaves Nagle on, which costs 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listener:
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError as error:
            raise LocalCloudError(
                f"port {port} on {host} cannot be used ({error.strerror}); pass another --port"
            ) from None
        yield listener


async def _stop_front(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)


async def _stop_emulator(emulator: Emulator, folder: DataFolder) -> None:
    await emulator.stop()
    shutil.rmtree(folder.temporary, ignore_errors=True)
