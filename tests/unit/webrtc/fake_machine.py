"""The machine of a running task and the service between: a real aiortc peer that may misbehave."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import aiortc

from inductiva_widgets.models.tasks import SdpAnswer


def success(message: Any) -> str:
    return json.dumps({"status": "success", "message": message})


class Machine:
    """Answers offers in place of the service, and questions by ``answer``.

    ``answer(question, channel)`` is called on the machine's loop for each question.
    """

    def __init__(self, answer: Callable[[dict[str, Any], Any], None], url: str) -> None:
        self.url = url
        self.answer = answer
        self.is_silent = False
        self.channels_a_connection = 1000
        self.offers = 0
        self.questions: list[dict[str, Any]] = []
        self.open: list[aiortc.RTCPeerConnection] = []
        self.channels: list[Any] = []
        self._answers: dict[str, SdpAnswer] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    # What clients call

    def register_peer(self, task_id: str, sender: str) -> None:
        pass

    def send_peer_offer(self, task_id: str, sender: str, sdp: str) -> None:
        self.offers += 1
        if not self.is_silent:
            self._answers[sender] = SdpAnswer(sdp=self.run(self._accept(sdp)))

    def get_peer_answer(self, task_id: str, sender: str, block_s: int) -> SdpAnswer | None:
        return self._answers.pop(sender, None)

    # What tests call

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def send(self, channel: Any, text: str) -> None:
        self.run(self._send(channel, text))

    def hang_up(self) -> None:
        """Lose all connections, without a word on the channels."""

        async def close() -> None:
            for peer in self.open:
                await peer.close()
            self.open.clear()

        self.run(close())

    def end(self) -> None:
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _send(self, channel: Any, text: str) -> None:
        channel.send(text)

    async def _accept(self, sdp: str) -> str:
        peer = aiortc.RTCPeerConnection()
        self.open.append(peer)
        taken = 0

        @peer.on("datachannel")
        def take(channel: Any) -> None:
            nonlocal taken
            taken += 1
            if taken > self.channels_a_connection:
                return

            @channel.on("message")
            def hear(raw: str) -> None:
                question = json.loads(raw)
                self.questions.append(question)
                self.channels.append(channel)
                self.answer(question, channel)

        await peer.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp
